"""One archive of a route: downloaded, exported from an image, or why it could not be had."""

from __future__ import annotations

import socket
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from orchestrator.data.contents import BadArchive
from orchestrator.data.download import Patience
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.cuda.declared import Archive, load_cuda
from orchestrator.stacks.cuda.fetch import Fetcher, Unreachable, exported, progress_lines
from tests.fakes.libraries import library, tar

PARTS = load_cuda(load_catalog().docker_dir)
LIB = "libcudart.so.8.0"
FILE = PARTS.file(LIB)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Fetcher, "PATIENCE", Patience(timeout_s=5.0, attempts=1, pause_s=0.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Client:
    """A Docker client with one image; `pulls` says whether a registry has it."""

    def __init__(self, content: bytes, there: bool = True, pulls: bool = True) -> None:
        self.content, self.there, self.pulls, self.events = content, there, pulls, []  # type: ignore[var-annotated]
        self.images = types.SimpleNamespace(get=self._get, pull=self._pull)
        self.containers = types.SimpleNamespace(create=self._create)

    def _get(self, name: str) -> None:
        if not self.there:
            raise docker.errors.ImageNotFound("no such image")

    def _pull(self, repository: str, tag: str) -> None:
        self.events.append(("pull", repository, tag))
        if not self.pulls:
            raise docker.errors.APIError("500", explanation="no such host")

    def _create(self, image: str, command: list[str]) -> Client:
        self.events.append(("create", image))
        return self

    def export(self) -> Iterator[bytes]:
        return (self.content[start : start + 900] for start in range(0, len(self.content), 900))

    def remove(self, v: bool) -> None:
        self.events.append(("remove",))


def fetcher(tmp_path: Path, client: Any = None) -> Fetcher:
    (tmp_path / "scratch").mkdir()
    return Fetcher(client, tmp_path / "cache", tmp_path / "scratch", lambda line: None)


def archive(*urls: str, kind: str = "tar") -> Archive:
    return Archive(urls=list(urls), kind=kind, gives=["cudart"])  # type: ignore[arg-type]


def test_an_image_gives_its_files_by_a_container_that_is_never_started(tmp_path: Path):
    client = Client(tar({f"usr/local/cuda/lib64/{LIB}": library(LIB)}))
    files, origin = fetcher(tmp_path, client).fetch(archive("nvidia/cuda:8.0", kind="image"), [FILE])
    assert files[LIB].read_bytes() == library(LIB)
    assert origin == "nvidia/cuda:8.0"
    assert client.events == [("create", "nvidia/cuda:8.0"), ("remove",)]


def test_an_image_that_is_not_there_is_pulled_and_said():
    client, said = Client(b"", there=False), []
    with exported(client, "nvidia/cuda", said.append) as stream:
        assert stream.read(1) == b""
    assert client.events == [("pull", "nvidia/cuda", "latest"), ("create", "nvidia/cuda"), ("remove",)]
    assert said == ["pulling nvidia/cuda"]


def test_the_container_is_removed_whatever_happens():
    client = Client(b"")
    with pytest.raises(KeyboardInterrupt), exported(client, "x", print):
        raise KeyboardInterrupt
    assert client.events[-1] == ("remove",)


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (Client(b"", there=False, pulls=False), "nvidia/cuda:8.0: no such host"),
        (Client(b"not a tar archive" * 100), "nvidia/cuda:8.0: "),
    ],
)
def test_an_image_that_cannot_be_had_is_unreachable(tmp_path: Path, client: Client, reason: str):
    with pytest.raises(Unreachable, match=reason):
        fetcher(tmp_path, client).fetch(archive("nvidia/cuda:8.0", kind="image"), [FILE])


def test_an_image_with_another_library_is_a_bad_archive(tmp_path: Path):
    client = Client(tar({f"lib/{LIB}": library("libother.so.1")}))
    with pytest.raises(BadArchive, match=r"nvidia/cuda:8\.0: libcudart\.so\.8\.0 is not what it should be"):
        fetcher(tmp_path, client).fetch(archive("nvidia/cuda:8.0", kind="image"), [FILE])


def test_a_host_that_did_not_answer_is_not_asked_again(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{taken.getsockname()[1]}"
        own = fetcher(tmp_path)
        with pytest.raises(Unreachable, match=rf"^http://{dead}/a\.tgz: \[Errno 111\] Connection refused$"):
            own.fetch(archive(f"http://{dead}/a.tgz"), [FILE])
        with pytest.raises(Unreachable, match=f"^{dead} did not answer before$"):
            own.fetch(archive(f"http://{dead}/b.tgz"), [FILE])


def test_progress_is_a_line_for_every_tenth():
    said: list[str] = []
    progress = progress_lines("a.tgz", said.append)
    for done in range(0, 21_000_000, 500_000):
        progress(done, 20_000_000)
    assert len(said) == 10
    assert (said[0], said[-1]) == ("a.tgz: 2 of 20 MB", "a.tgz: 20 of 20 MB")
    silent = progress_lines("a.tgz", pytest.fail)
    silent(5, None)
