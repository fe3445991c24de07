"""Downloading, against a server on this machine that misbehaves on request."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator.data import download as fetching
from orchestrator.data.declared import Place
from orchestrator.data.download import FetchFailed, Patience, Progress, fetch
from orchestrator.data.fetched import known_hashes, recorded
from orchestrator.errors import HostError

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CUT = len(CONTENT) // 3


class Site(ThreadingHTTPServer):
    """Serves CONTENT; the path says how (see _Handler)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        path, wanted = self.path.strip("/"), self.headers.get("Range")
        first = not any(earlier == path for earlier, _ in self.server.requests)
        self.server.requests.append((path, wanted))
        if path == "gone":
            self.send_error(404)
        elif path == "busy-once" and first:
            self.send_error(503)
        elif path == "endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(CONTENT)
        elif path in ("drip", "drip-header"):
            self._drip(path)
        elif path == "always-cut":
            self._send(CONTENT, 0, CUT)
        elif path == "wrong":
            self._send(b"?" * len(CONTENT), 0, None)
        else:
            start = int(wanted[6:-1]) if wanted and path != "no-range-cut" else 0
            if start >= len(CONTENT):
                self.send_error(416)
            else:
                self._send(CONTENT, start, CUT if first and path.endswith(("cut", "cut-once")) else None)

    def _drip(self, path: str) -> None:
        """One byte after the other, or one line of a header, until nobody listens."""
        drop, done = (b"x", False) if path == "drip" else (b"X-Header: x\r\n", True)
        self.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"" if done else b"\r\n"))
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(drop)
                time.sleep(0.02)

    def _send(self, content: bytes, start: int, stop: int | None) -> None:
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[start:stop])

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def places(site: Site, *paths: str, sha256: str | None = SHA256, size: int | None = None) -> list[Place]:
    return [Place(url=site.url(path), sha256=sha256, size=size) for path in paths]


def get(places: list[Place], folder: Path, progress: Progress | None = None, attempts: int = 4) -> Path:
    return fetch("toy", places, folder / "toy.bin", progress, Patience(timeout_s=5, attempts=attempts, pause_s=0.0))


def test_a_good_place_gives_the_file_and_reports_progress(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = get(places(site, "good"), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "toy.bin"
    assert path.read_bytes() == CONTENT
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not list(tmp_path.glob("*.part"))


def test_what_is_there_already_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        get(places(site, "good"), tmp_path)
    assert len(site.requests) == 1


def test_a_damaged_file_in_the_cache_is_replaced(site: Site, tmp_path: Path) -> None:
    (tmp_path / "toy.bin").write_bytes(b"damaged")
    assert get(places(site, "good"), tmp_path).read_bytes() == CONTENT


def test_a_cut_connection_is_resumed_where_it_broke(site: Site, tmp_path: Path) -> None:
    assert get(places(site, "cut-once"), tmp_path).read_bytes() == CONTENT
    assert site.requests == [("cut-once", None), ("cut-once", f"bytes={CUT}-")]


def test_an_earlier_process_left_a_beginning(site: Site, tmp_path: Path) -> None:
    data = places(site, "always-cut")
    with pytest.raises(HostError, match="connection cut after"):
        get(data, tmp_path, attempts=1)
    (part,) = tmp_path.glob("*.part")
    assert part.read_bytes() == CONTENT[:CUT]
    moved = places(site, "good")
    name = hashlib.sha256(moved[0].url.encode()).hexdigest()[:8]
    part.rename(tmp_path / f"toy.bin.{name}.part")
    assert get(moved, tmp_path).read_bytes() == CONTENT
    assert site.requests[-1] == ("good", f"bytes={CUT}-")


def test_a_server_without_ranges_sends_everything_again(site: Site, tmp_path: Path) -> None:
    assert get(places(site, "no-range-cut"), tmp_path).read_bytes() == CONTENT
    assert site.requests[-1] == ("no-range-cut", f"bytes={CUT}-")


@pytest.mark.parametrize("old", [b"!" * CUT, b"!" * (len(CONTENT) + 5)])
def test_a_beginning_that_does_not_fit_is_thrown_away(site: Site, tmp_path: Path, old: bytes) -> None:
    data = places(site, "good")
    name = hashlib.sha256(data[0].url.encode()).hexdigest()[:8]
    (tmp_path / f"toy.bin.{name}.part").write_bytes(old)
    assert get(data, tmp_path).read_bytes() == CONTENT


def test_a_complete_part_needs_no_request(site: Site, tmp_path: Path) -> None:
    data = places(site, "good", size=len(CONTENT))
    name = hashlib.sha256(data[0].url.encode()).hexdigest()[:8]
    (tmp_path / f"toy.bin.{name}.part").write_bytes(CONTENT)
    assert get(data, tmp_path).read_bytes() == CONTENT
    assert site.requests == []


def test_a_busy_server_is_asked_again_but_not_for_ever(site: Site, tmp_path: Path) -> None:
    assert get(places(site, "busy-once"), tmp_path).read_bytes() == CONTENT
    with pytest.raises(HostError, match=r"connection cut after .* \(3 attempts\)"):
        get(places(site, "always-cut", sha256="1" * 64), tmp_path, attempts=3)


def test_the_next_mirror_serves_when_one_is_wrong(site: Site, tmp_path: Path) -> None:
    path = get(places(site, "gone", "wrong", "good"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [name for name, _ in site.requests] == ["gone", "wrong", "good"]
    assert not list(tmp_path.glob("*.part"))


def test_every_place_and_its_reason_is_told(site: Site, tmp_path: Path) -> None:
    data = places(site, "gone", "wrong")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = Place(url=f"http://127.0.0.1:{unused.getsockname()[1]}/x", sha256=SHA256)
        with pytest.raises(FetchFailed) as caught:
            get([*data, closed], tmp_path)
    assert caught.value.silent == {closed.url.split("/")[2]}, "the others answered, if only to refuse"
    lines = caught.value.message.splitlines()
    assert lines[0] == "cannot fetch toy:"
    assert lines[1].endswith("/gone: HTTP 404 Not Found")
    assert "/wrong: wrong checksum" in lines[2]
    assert "refused" in lines[3]
    assert "--data-dir" in caught.value.hint
    assert not (tmp_path / "toy.bin").exists()


def test_an_unpublished_hash_is_recorded_and_checked_ever_after(site: Site, tmp_path: Path) -> None:
    data = places(site, "cut-once", sha256=None, size=len(CONTENT))
    get(data, tmp_path)
    assert site.requests[1] == ("cut-once", None), "without a checksum nothing is pieced together"
    assert known_hashes(data, tmp_path) == {SHA256}
    assert recorded(tmp_path)[site.url("cut-once")].size == len(CONTENT)
    (tmp_path / "toy.bin").unlink()
    (tmp_path / "fetched.json").write_text((tmp_path / "fetched.json").read_text().replace(SHA256, "1" * 64))
    with pytest.raises(HostError, match="wrong checksum"):
        get(data, tmp_path)


def test_without_a_hash_the_size_must_fit(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="wrong size"):
        get(places(site, "good", sha256=None, size=5), tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_two_at_once_download_once(site: Site, tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(get(places(site, "good"), tmp_path).read_bytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 4
    assert len(site.requests) == 1


def test_a_full_disk_is_the_hosts_fault(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, mode: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(fetching.Path, "open", full)
    with pytest.raises(HostError, match="No space left on device"):
        get(places(site, "good"), tmp_path)


def test_a_folder_that_cannot_be_made_is_the_hosts_fault(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="cannot write"):
        get(places(site, "good"), tmp_path / "file" / "cache")


def test_a_damaged_record_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fetched.json").write_text("{")
    with pytest.raises(HostError, match="cannot read") as caught:
        recorded(tmp_path)
    assert "rm " in caught.value.hint


def test_a_first_download_without_a_published_hash_is_said(site: Site, tmp_path: Path) -> None:
    said: list[str] = []
    place = Place(url=site.url("file") + "?token=S3CRET", size=len(CONTENT))
    for _ in "12":
        fetch("x", [place], tmp_path / "x.bin", say=said.append)
        (tmp_path / "x.bin").unlink()
    assert said == [f"x: no checksum of {site.url('file')} is published: it is believed now, and compared later"]
    fetch("x", [Place(url=site.url("file"), sha256=SHA256)], tmp_path / "y" / "x.bin", say=said.append)
    assert len(said) == 1
    assert "S3CRET" not in (tmp_path / "fetched.json").read_text()


def test_a_server_that_never_ends_fills_no_disk(site: Site, tmp_path: Path) -> None:
    place = Place(url=site.url("endless"), sha256=SHA256, size=len(CONTENT))
    with pytest.raises(FetchFailed, match="it sends more than 3 MiB"):
        fetch("toy", [place], tmp_path / "toy", patience=Patience(attempts=2, pause_s=0.01))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(("path", "words"), [("drip", "bytes in 0.1 s"), ("drip-header", "no answer in 0.2 s")])
def test_a_server_that_sends_drops_is_not_waited_for(site: Site, tmp_path: Path, path: str, words: str) -> None:
    patience = Patience(timeout_s=0.2, attempts=2, pause_s=0.01, stall_s=0.1)
    with pytest.raises(FetchFailed, match=words):
        fetch("toy", [Place(url=site.url(path))], tmp_path / "toy", patience=patience)
    assert not (tmp_path / "toy").exists()
