"""Downloads one file from the first of several places that has it: checked, resumed, by one process at a time."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator import __version__
from orchestrator.data import connection
from orchestrator.data.declared import Place
from orchestrator.data.fetched import RECORD, Fetched, known_hashes, recorded
from orchestrator.errors import HostError
from orchestrator.files import cache_locked, disk_errors, sha256_file, write_atomic
from orchestrator.model import Noun, Say, to_json
from orchestrator.text import public, silent

#: Called with the bytes there so far and the bytes in all (None where the server does not say).
Progress = Callable[[int, int | None], None]

_CHUNK = 1 << 18
#: Bytes of a file whose size is not declared; the largest archive of a CUDA route has a third.
LARGEST = 2**33


class Patience(Noun, frozen=True, kw_only=True):
    """How long to insist on one place: `attempts`, with pauses of `pause_s`, 2 x `pause_s`, ... seconds.

    `timeout_s` limits connecting and every single read, and all that comes before the file itself. A server that sends
    less than `least` bytes in `stall_s` seconds is not waited for.
    """

    timeout_s: float = 30.0
    stall_s: float = 60.0
    least: int = 2**14
    attempts: int = 4
    pause_s: float = 1.0


class FetchFailed(HostError):
    """No place gave the file. `reasons` are "address: why"; `silent` are the hosts that gave no answer at all."""

    def __init__(self, message: str, hint: str, reasons: list[str], silent: set[str]) -> None:
        super().__init__(message, hint)
        self.reasons = reasons
        self.silent = silent


class _Failed(Exception):
    """Why an address does not give the file. `answered`: whether its host said anything, be it a refusal."""

    def __init__(self, reason: str, answered: bool) -> None:
        super().__init__(reason)
        self.answered = answered


class _Interrupted(_Failed):
    """The transfer stopped half-way or the server is busy: worth another attempt."""


def fetch(
    name: str,
    places: Sequence[Place],
    target: Path,
    progress: Progress | None = None,
    patience: Patience | None = None,
    say: Say = silent,
) -> Path:
    """Downloads the file called `name` (for people) to `target`, unless an official one is there; gives `target`.

    A place without a published hash is believed the first time, and `say` is told.

    Places are tried in order. What an interrupted download left is resumed if a checksum can tell whether the pieces
    fit. Proxies and SSL_CERT_FILE are honoured. Raises FetchFailed, or HostError for a disk that cannot be written.
    """
    reasons: list[str] = []
    silent: set[str] = set()
    with cache_locked(target):
        if target.is_file() and sha256_file(target) in known_hashes(places, target.parent):
            return target
        for place in places:
            try:
                _fetch_from(name, place, target, progress or _ignore, patience or Patience(), say)
                return target
            except _Failed as failed:
                reasons.append(f"{public(place.url)}: {failed}")
                silent |= set() if failed.answered else {urlsplit(public(place.url)).netloc}
    message = "\n  ".join([f"cannot fetch {name}:", *reasons])
    raise FetchFailed(message, _hint(target.name, reasons), reasons, silent)


def _ignore(done: int, total: int | None) -> None:
    return None


def _hint(file: str, reasons: list[str]) -> str:
    if any("CERTIFICATE_VERIFY_FAILED" in reason for reason in reasons):
        return "Behind a proxy that re-signs TLS, point SSL_CERT_FILE at its certificate bundle."
    return f"Download {file} elsewhere and give its folder with --data-dir."


def _fetch_from(name: str, place: Place, target: Path, progress: Progress, patience: Patience, say: Say) -> None:
    """Downloads and checks the file; a second time if the fault may lie in an older beginning. Raises _Failed."""
    earlier = recorded(target.parent).get(public(place.url))
    expected = place.sha256 or (earlier.sha256 if earlier else None)
    if expected is None:
        say(f"{name}: no checksum of {public(place.url)} is published: it is believed now, and compared later")
    address = hashlib.sha256(place.url.encode()).hexdigest()[:8]
    part = target.with_name(f"{target.name}.{address}.part")
    reason = ""
    for _ in range(2):
        checkable = expected is not None
        resumed = checkable and part.exists()
        _download(place, part, checkable, progress, patience)
        digest, size = sha256_file(part), part.stat().st_size
        reason = _mismatch(digest, size, expected, place.size)
        if not reason:
            _accept(part, target, public(place.url), Fetched(dataset=name, sha256=digest, size=size))
            return
        part.unlink()
        if not resumed:
            break
    raise _Failed(reason, answered=True)


def _download(place: Place, part: Path, checkable: bool, progress: Progress, patience: Patience) -> None:
    """Completes `part`, in as many attempts as `patience` allows. Raises _Failed."""
    for attempt in range(patience.attempts):
        if not checkable:  # nothing would tell whether two pieces belong to one file
            part.unlink(missing_ok=True)
        try:
            _transfer(place, part, progress, patience)
            return
        except _Interrupted as interrupted:
            if attempt + 1 == patience.attempts:
                raise _Failed(f"{interrupted} ({patience.attempts} attempts)", interrupted.answered) from interrupted
            time.sleep(patience.pause_s * 2**attempt)


def _mismatch(digest: str, size: int, expected: str | None, expected_size: int | None) -> str:
    """Why a complete download is not the file we want; "" if it is. A checksum outweighs the size."""
    if expected is not None:
        same = digest == expected
        return "" if same else f"wrong checksum (sha256 {digest[:12]}..., expected {expected[:12]}...)"
    if expected_size is not None and size != expected_size:
        return f"wrong size ({size} bytes, expected {expected_size})"
    return ""


def _accept(part: Path, target: Path, url: str, fetched: Fetched) -> None:
    """Moves a complete download to its place, records what the address gave, and removes other beginnings."""
    with disk_errors(target, "cache"):
        part.replace(target)
        for leftover in [p for p in target.parent.glob("*.part") if p.name.startswith(f"{target.name}.")]:
            leftover.unlink(missing_ok=True)
    record = target.with_name(RECORD)
    with cache_locked(record):
        write_atomic(record, to_json(recorded(target.parent) | {url: fetched}), "cache")


def _transfer(place: Place, part: Path, progress: Progress, patience: Patience) -> None:
    """Completes `part` from the address, beginning where it ends. Raises _Failed."""
    have = part.stat().st_size if part.exists() else 0
    if have and have == place.size:
        return
    headers = {"User-Agent": f"keras-orchestrate/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(place.url, headers=headers)
    with _opened(request, part, patience.timeout_s, place.sha256 is not None) as response:
        start = _range_start(response)
        if start not in (0, have):
            part.unlink()
            raise _Interrupted("the server continued at another byte than asked", answered=True)
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        done = _copy(response, part, start, total, progress, patience, most(place))
    if total is not None and done != total:
        raise _Interrupted(f"connection cut after {done} of {total} bytes", answered=True)


def most(place: Place) -> int:
    """Bytes that are taken from a place: more than it declares, as a checksum outweighs a size, but no disk full."""
    return 2 * place.size + 2**20 if place.size else LARGEST


def _opened(request: urllib.request.Request, part: Path, timeout_s: float, hashed: bool) -> Any:
    """The server's answer. Raises _Interrupted where another attempt may help, else _Failed.

    Where no hash vouches for the file, its server must, all the way.
    """
    try:
        return connection.opener(secure=not hashed).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        reason = " ".join(f"HTTP {error.code} {error.reason}".split())
        error.close()
        if error.code == 416:  # what we have is no beginning of what there is
            part.unlink(missing_ok=True)
            raise _Interrupted(reason, answered=True) from error
        if error.code in (408, 429) or error.code >= 500:
            raise _Interrupted(reason, answered=True) from error
        raise _Failed(reason, answered=True) from error
    except urllib.error.URLError as error:  # no name, no route, nobody listens: no use in insisting
        raise _Failed(str(error.reason), answered=False) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(str(error) or type(error).__name__, answered=False) from error


def _range_start(response: Any) -> int:
    """The offset of the first byte: 0 from a server that ignored our Range."""
    if response.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _copy(
    response: Any, part: Path, start: int, total: int | None, progress: Progress, patience: Patience, limit: int
) -> int:
    """Appends the answer to `part`, which then has as many bytes as it returns. Raises _Failed beyond `limit`."""
    done = looked = start
    due = time.monotonic() + patience.stall_s
    with disk_errors(part, "cache"):
        stream = part.open("ab" if start else "wb")
    with stream:
        while chunk := _read(response):
            with disk_errors(part, "cache"):
                stream.write(chunk)
                stream.flush()
            done += len(chunk)
            if done > limit:
                break
            progress(done, total)
            if time.monotonic() > due:
                if done - looked < patience.least:
                    raise _Interrupted(f"{done - looked} bytes in {patience.stall_s:g} s", answered=True)
                looked, due = done, time.monotonic() + patience.stall_s
    if done > limit:
        part.unlink()
        raise _Failed(f"it sends more than {limit >> 20:,} MiB", answered=True)
    return done


def _read(response: Any) -> bytes:
    """What has arrived: a server that sends drops would keep us waiting for a whole piece."""
    try:
        return bytes(response.read1(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"connection lost ({error or type(error).__name__})", answered=False) from error
