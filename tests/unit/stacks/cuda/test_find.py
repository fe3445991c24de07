"""CUDA files by routes: a server on this machine with made-up archives of every kind, right ones and wrong ones."""

from __future__ import annotations

import errno
import hashlib
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from orchestrator.data.download import Patience
from orchestrator.errors import HostError, UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.cuda import find as cuda_files
from orchestrator.stacks.cuda.fetch import Fetcher
from tests.fakes.libraries import Members, deb, library, tar

CATALOG = load_catalog()
LIB, CUDNN = "libcudart.so.8.0", "libcudnn.so.6"
HEADER = b"#define CUDNN_MAJOR      6\n"
#: What a tool kit looks like: the name with a version is a link to the file.
TOOLKIT: Members = {"lib/libcudart.so.8.0": "-> libcudart.so.8.0.61", "lib/libcudart.so.8.0.61": b""}


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.requests.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.files[name])))
        self.end_headers()
        self.wfile.write(self.server.files[name])

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(Fetcher, "PATIENCE", Patience(timeout_s=5.0, attempts=2, pause_s=0.0))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class World:
    """A docker/ folder with routes of our own, and a stack that wants some files."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server, self.said = folder, server, []  # type: ignore[var-annotated]
        self.docker = folder / "docker"
        self.docker.mkdir()
        self.routes: list[dict[str, Any]] = []

    def route(self, name: str, file: str, content: bytes | None, gives: list[str], **more: Any) -> None:
        """One more route of one archive; None is an archive that the server does not have."""
        if content is not None:
            self.server.files[file] = content
        kind = "deb" if file.endswith(".deb") else "tar"
        archive = {"urls": [f"{self.server.url}/{file}"], "kind": kind, "gives": gives} | more
        self.routes.append({"name": name, "title": name, "archives": [archive]})

    def find(self, *files: str, **settings: Any) -> dict[str, cuda_files.Found]:
        declared = yaml.safe_load((CATALOG.docker_dir / "cuda.yaml").read_text())
        (self.docker / "cuda.yaml").write_text(yaml.safe_dump({**declared, "routes": self.routes}))
        theano = CATALOG.stack("keras2-theano")
        sources = [source for source in theano.images["gpu"].sources if source.file in files]
        cuda = [file for file in files if not file.endswith(".gz")]
        variant = msgspec.structs.replace(theano.images["gpu"], cuda=cuda, sources=sources)
        stack = msgspec.structs.replace(theano, images={"gpu": variant})
        catalog = msgspec.structs.replace(CATALOG, root=str(self.folder))
        return cuda_files.find(None, stack, "gpu", catalog, BuildSettings(**settings), self.said.append)

    def reason(self, *files: str, **settings: Any) -> str:
        with pytest.raises(HostError) as caught:
            self.find(*files, **settings)
        assert "CUDA.md" in caught.value.hint
        assert "--cuda-dir" in caught.value.hint
        return caught.value.message


@pytest.fixture
def world(tmp_path: Path, server: Server) -> World:
    return World(tmp_path, server)


def toolkit(soname: str = LIB) -> Members:
    return {**TOOLKIT, "lib/libcudart.so.8.0.61": library(soname)}


@pytest.mark.parametrize(
    ("file", "make"),
    [
        ("cudatoolkit-8.0-3.tar.bz2", lambda: tar(toolkit(), "bz2")),
        ("cudnn.tgz", lambda: tar(toolkit(), "gz")),
        ("cuda-cudart-8-0_8.0.61-1_amd64.deb", lambda: deb(toolkit(), "xz")),
        ("cuda-cudart-8-0_8.0.61-1_amd64.deb", lambda: deb(toolkit(), "gzip")),
    ],
    ids=["conda", "tgz", "deb-xz", "deb-gz"],
)
def test_every_kind_of_archive_gives_its_files(world: World, file: str, make: Any):
    world.route("made", file, make(), ["cudart"])
    found = world.find(LIB)
    assert found["lib/libcudart.so.8.0"].path.read_bytes() == library(LIB)
    assert world.said == [f"fetching {file}", *world.said[1:-1], f"CUDA 8.0 files by route made: {LIB}"]
    assert cuda_files.routes_used(found) == f"{LIB}=made"


def test_routes_are_asked_in_order_and_only_for_what_is_still_missing(world: World):
    members = {"cuda/lib64/libcudnn.so.6": library(CUDNN), "cuda/include/cudnn.h": HEADER}
    world.route("gone", "gone.tgz", None, ["cudart", "cudnn"])
    world.route("first", "first.tar.bz2", tar(toolkit(), "bz2"), ["cudart"])
    world.route("again", "again.tgz", tar(toolkit(), "gz"), ["cudart"])
    world.route("cudnn", "cudnn.tgz", tar(members, "gz"), ["cudnn", "cudnn-header"])
    found = world.find(LIB, CUDNN)
    assert {place: file.route for place, file in found.items()} == {f"lib/{LIB}": "first", f"lib/{CUDNN}": "cudnn"}
    assert world.server.requests == ["gone.tgz", "first.tar.bz2", "cudnn.tgz"]


def test_a_source_archive_is_taken_as_it_is(world: World):
    content = tar({"libgpuarray-0.7.6/setup.py": b""}, "gz")
    world.route("source", "v0.7.6.tar.gz", content, ["libgpuarray"], kind="file")
    source = "libgpuarray_0.7.6.orig.tar.gz"
    assert world.find(source)[f"src/{source}"].path.read_bytes() == content
    world.find(source)
    assert world.server.requests == ["v0.7.6.tar.gz"]


def test_what_was_fetched_is_kept_checked_and_fetched_again_if_it_changed(world: World):
    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    kept = world.find(LIB)[f"lib/{LIB}"].path
    world.find(LIB)
    assert world.server.requests == ["a.tgz"]
    assert not list((world.folder / "cache").rglob("a.tgz")), "what the archive holds is kept, not the archive"
    kept.write_bytes(b"changed")
    assert world.find(LIB)[f"lib/{LIB}"].path.read_bytes() == library(LIB)
    assert world.server.requests == ["a.tgz"] * 2


def test_what_a_later_route_gave_is_used_before_an_earlier_one_is_asked_again(world: World):
    world.route("gone", "gone.tgz", None, ["cudart"])
    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    world.find(LIB)
    assert world.find(LIB)[f"lib/{LIB}"].route == "made"
    assert world.server.requests == ["gone.tgz", "a.tgz"]


def test_a_later_download_must_equal_the_first(world: World):
    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    shutil.rmtree(world.find(LIB)[f"lib/{LIB}"].path.parent)
    world.server.files["a.tgz"] = tar({**toolkit(), "more": b"x"}, "gz")
    assert "made: " in (reason := world.reason(LIB))
    assert "wrong checksum" in reason


def test_a_published_hash_is_checked(world: World):
    content = tar(toolkit(), "gz")
    world.route("wrong", "wrong.tgz", content, ["cudart"], sha256="0" * 64)
    assert "wrong: " in (reason := world.reason(LIB))
    assert "wrong checksum" in reason
    world.route("right", "right.tgz", content, ["cudart"], sha256=hashlib.sha256(content).hexdigest())
    assert world.find(LIB)[f"lib/{LIB}"].route == "right"


def test_a_wrong_archive_is_told_with_its_route_its_address_and_the_reason(world: World):
    world.route("made", "a.tgz", tar({"lib/libcudart.so.8.0": b"hello"}, "gz"), ["cudart"])
    world.route("cut", "cut.tar.bz2", tar({**toolkit(), "big": library(LIB) * 40}, "bz2")[:-600], ["cudart"])
    reason = world.reason(LIB)
    assert f"made: {world.server.url}/a.tgz: {LIB} is not what it should be: it is not an ELF file" in reason
    assert f"cut: {world.server.url}/cut.tar.bz2: damaged, or of an unknown kind" in reason


def test_nothing_is_written_outside_of_the_cache(world: World):
    before = {path for path in world.folder.parent.rglob("*") if "cache" not in path.parts}
    for name in ("../../../escaped.so", f"{world.folder}/escaped", f"../../{LIB}"):
        world.route("made", "a.tgz", tar({name: library(LIB)}, "gz"), ["cudart"])
        world.reason(LIB)
        world.routes.clear()
        shutil.rmtree(world.folder / "cache")
    after = {path for path in world.folder.parent.rglob("*") if "cache" not in path.parts}
    assert {path.name for path in after - before} <= {"cuda.yaml"}


def test_a_host_that_does_not_answer_is_asked_once_and_named(world: World):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        world.routes = [
            {
                "name": "dead",
                "title": "dead",
                "archives": [
                    {"urls": [f"{dead}/a.tgz"], "kind": "tar", "gives": ["cudart"]},
                    {"urls": [f"{dead}/b.tgz"], "kind": "tar", "gives": ["cudart"]},
                ],
            }
        ]
        reason = world.reason(LIB)
    assert f"dead: {dead}/a.tgz: [Errno 111] Connection refused" in reason
    assert f"dead: {dead[7:]} did not answer before" in reason


def test_a_refusal_does_not_count_as_silence(world: World):
    world.route("gone", "gone.tgz", None, ["cudart"])
    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    assert world.find(LIB)[f"lib/{LIB}"].route == "made"


def test_without_any_route_the_error_names_every_file_every_route_and_what_to_do(world: World):
    world.route("one", "one.tgz", None, ["cudart"])
    world.route("two", "two.tgz", tar({"readme": b""}, "gz"), ["cudart", "cudnn"])
    lines = world.reason(LIB, CUDNN).splitlines()
    assert lines[:3] == [
        "the gpu image of keras2-theano needs files of CUDA 8.0 that could not be had:",
        f"  {LIB}, {CUDNN}",
        "What was tried:",
    ]
    assert lines[3].startswith("  docker/cuda/8.0: ")
    assert lines[4].startswith("  one: ") and lines[4].endswith("HTTP 404 Not Found")
    assert lines[5].startswith("  two: ") and lines[5].endswith(f"does not hold {LIB}, {CUDNN}")


def test_a_folder_that_was_named_is_searched_at_any_depth_and_nothing_else(world: World, tmp_path: Path):
    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    folder = tmp_path / "unpacked" / "targets" / "x86_64-linux" / "lib"
    folder.mkdir(parents=True)
    (folder / "libcudart.so.8.0.61").write_bytes(library(LIB))
    (folder / LIB).symlink_to("libcudart.so.8.0.61")
    found = world.find(LIB, cuda_dir=str(tmp_path / "unpacked"))
    assert found[f"lib/{LIB}"].route == "--cuda-dir"
    reason = world.reason(LIB, CUDNN, cuda_dir=str(tmp_path / "unpacked"))
    assert f"--cuda-dir: {tmp_path}/unpacked does not hold {CUDNN}" in reason
    (folder / "libcudart.so.8.0.61").write_bytes(b"text")
    assert "it is not an ELF file" in world.reason(LIB, cuda_dir=str(tmp_path / "unpacked"))
    assert world.server.requests == []


def test_files_put_into_docker_cuda_by_hand_come_first(world: World):
    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    place = world.docker / "cuda" / "8.0" / "lib" / LIB
    place.parent.mkdir(parents=True)
    place.write_bytes(library(LIB))
    assert world.find(LIB)[f"lib/{LIB}"] == cuda_files.Found(path=place, route="docker/cuda/8.0")
    assert world.server.requests == []


def test_a_route_that_was_named_is_the_only_one(world: World):
    world.route("one", "one.tgz", tar(toolkit(), "gz"), ["cudart"])
    world.route("two", "two.tgz", tar(toolkit(), "gz"), ["cudart"])
    assert world.find(LIB, cuda_routes=["two"])[f"lib/{LIB}"].route == "two"
    assert world.server.requests == ["two.tgz"]
    with pytest.raises(UserError, match="no CUDA route 'three'") as caught:
        world.find(LIB, cuda_routes=["three"])
    assert "one, two" in caught.value.hint


def test_a_full_disk_is_the_hosts_fault_not_the_routes(world: World, monkeypatch: pytest.MonkeyPatch):
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    @contextmanager
    def writing(target: Path) -> Iterator[Full]:
        yield Full()

    world.route("made", "a.tgz", tar(toolkit(), "gz"), ["cudart"])
    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.stacks.cuda.unpack.writing", writing)
        with pytest.raises(HostError, match=r"cannot write .* No space left on device"):
            world.find(LIB)
    assert not list((world.folder / "cache").rglob(".unpacking-*"))
    assert world.find(LIB)
    shutil.rmtree(world.folder / "cache")
    (world.folder / "cache").write_text("a file where a folder should be")
    with pytest.raises(HostError, match="cannot write"):
        world.find(LIB)
