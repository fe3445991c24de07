"""Downloading a data set from its official places: checked, resumed, one process at a time."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import __version__
from orchestrator.data.declared import Dataset, Place
from orchestrator.errors import HostError
from orchestrator.files import disk_errors, file_locked, replacing, sha256_file
from orchestrator.model import Noun, Sha256, to_json

#: Called with the bytes there so far and the bytes in all (None where the server does not say).
Progress = Callable[[int, int | None], None]

_CHUNK = 1 << 18
_RECORD = "fetched.json"


class Fetched(Noun, frozen=True, kw_only=True):
    """What one address gave the first time."""

    dataset: str
    sha256: Sha256
    size: int


class _PlaceFailed(Exception):
    """This address will not give the file; the next one is tried."""


class _Interrupted(Exception):
    """The transfer stopped half-way or the server is busy: worth another attempt."""


def recorded(directory: Path) -> dict[str, Fetched]:
    """What earlier fetches into `directory` gave, by address. A damaged record is a HostError."""
    path = directory / _RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Fetched])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise HostError(f"cannot read {path}: {error}", f"Remove it: rm {path}") from error


def known_hashes(dataset: Dataset, directory: Path) -> frozenset[str]:
    """The hashes that make a file official: published ones, and those its places gave the first time."""
    urls = {place.url for place in dataset.places}
    return dataset.official | {entry.sha256 for url, entry in recorded(directory).items() if url in urls}


def fetch(
    dataset: Dataset,
    directory: Path,
    progress: Progress | None = None,
    timeout: float = 30.0,
    attempts: int = 4,
    pause: float = 1.0,
) -> Path:
    """The official file, `directory`/`dataset.file`, downloaded unless it is there.

    Places are tried in order, each `attempts` times with pauses of `pause`, 2 x `pause`, ... seconds;
    `timeout` (seconds) bounds connecting and every single read. What an interrupted download left is
    resumed if a checksum can tell whether the pieces fit. Proxies and SSL_CERT_FILE are honoured.
    Raises HostError with the reason of every place, or for a disk that cannot be written.
    """
    target = directory / dataset.file
    reasons: list[str] = []
    with file_locked(target):
        if target.is_file() and sha256_file(target) in known_hashes(dataset, directory):
            return target
        for place in dataset.places:
            try:
                _fetch_from(dataset, place, target, progress or _silent, timeout, attempts, pause)
                return target
            except _PlaceFailed as failed:
                reasons.append(f"  {place.url}: {failed}")
    raise HostError(f"cannot fetch {dataset.name}:\n" + "\n".join(reasons), _hint(dataset, reasons))


def _silent(done: int, total: int | None) -> None:
    return None


def _hint(dataset: Dataset, reasons: list[str]) -> str:
    if any("CERTIFICATE_VERIFY_FAILED" in reason for reason in reasons):
        return "Behind a proxy that re-signs TLS, point SSL_CERT_FILE at its certificate bundle."
    return f"Download {dataset.file} elsewhere and give its folder with --data-dir."


def _fetch_from(
    dataset: Dataset,
    place: Place,
    target: Path,
    progress: Progress,
    timeout: float,
    attempts: int,
    pause: float,
) -> None:
    earlier = recorded(target.parent).get(place.url)
    expected = place.sha256 or (earlier.sha256 if earlier else None)
    address = hashlib.sha256(place.url.encode()).hexdigest()[:8]
    part = target.with_name(f"{target.name}.{address}.part")
    reason = ""
    for _ in range(2):
        checkable = expected is not None
        resumed = checkable and part.exists()
        _download(place, part, checkable, progress, timeout, attempts, pause)
        digest, size = sha256_file(part), part.stat().st_size
        reason = _mismatch(digest, size, expected, place.size)
        if not reason:
            _accept(part, target, place.url, Fetched(dataset=dataset.name, sha256=digest, size=size))
            return
        part.unlink()
        if not resumed:  # else the fault may lie in the old piece: once more, from the start
            break
    raise _PlaceFailed(reason)


def _download(
    place: Place, part: Path, checkable: bool, progress: Progress, timeout: float, attempts: int, pause: float
) -> None:
    for attempt in range(attempts):
        if not checkable:  # nothing would tell whether two pieces belong to one file
            part.unlink(missing_ok=True)
        try:
            _transfer(place, part, progress, timeout)
            return
        except _Interrupted as interrupted:
            if attempt + 1 == attempts:
                raise _PlaceFailed(f"{interrupted} ({attempts} attempts)") from interrupted
            time.sleep(pause * 2**attempt)


def _mismatch(digest: str, size: int, expected: str | None, expected_size: int | None) -> str:
    """Why a complete download is not the file we want; "" if it is. A checksum outweighs the size."""
    if expected is not None:
        same = digest == expected
        return "" if same else f"wrong checksum (sha256 {digest[:12]}..., expected {expected[:12]}...)"
    if expected_size is not None and size != expected_size:
        return f"wrong size ({size} bytes, expected {expected_size})"
    return ""


def _accept(part: Path, target: Path, url: str, fetched: Fetched) -> None:
    with disk_errors(target):
        part.replace(target)
        for leftover in target.parent.glob(f"{target.name}.*.part"):
            leftover.unlink(missing_ok=True)
        _record(target.parent, url, fetched)


def _record(directory: Path, url: str, fetched: Fetched) -> None:
    path = directory / _RECORD
    with file_locked(path):
        entries = recorded(directory) | {url: fetched}
        with replacing(path) as stream:
            stream.write(to_json(entries))


def _transfer(place: Place, part: Path, progress: Progress, timeout: float) -> None:
    """Completes `part` from the address, beginning where it ends."""
    have = part.stat().st_size if part.exists() else 0
    if have and have == place.size:
        return
    headers = {"User-Agent": f"keras-orchestrate/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(place.url, headers=headers)
    with _opened(request, part, timeout) as response:
        start = _range_start(response)
        if start not in (0, have):
            part.unlink()
            raise _Interrupted("the server continued at another byte than asked")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        done = _copy(response, part, start, total, progress)
    if total is not None and done != total:
        raise _Interrupted(f"connection cut after {done} of {total} bytes")


def _opened(request: urllib.request.Request, part: Path, timeout: float) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        reason = f"HTTP {error.code} {error.reason}"
        error.close()
        if error.code == 416:  # what we have is no beginning of what there is
            part.unlink(missing_ok=True)
            raise _Interrupted(reason) from error
        if error.code in (408, 429) or error.code >= 500:
            raise _Interrupted(reason) from error
        raise _PlaceFailed(reason) from error
    except urllib.error.URLError as error:  # no name, no route, nobody listens: no use in insisting
        raise _PlaceFailed(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(str(error) or type(error).__name__) from error


def _range_start(response: Any) -> int:
    """The offset of the first byte: 0 from a server that ignored our Range."""
    if response.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _copy(response: Any, part: Path, start: int, total: int | None, progress: Progress) -> int:
    done = start
    with disk_errors(part):
        stream = part.open("ab" if start else "wb")
    with stream:
        while chunk := _read(response):
            with disk_errors(part):
                stream.write(chunk)
                stream.flush()
            done += len(chunk)
            progress(done, total)
    return done


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"connection lost ({error or type(error).__name__})") from error
