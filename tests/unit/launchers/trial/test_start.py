"""A trial container is started and removed, and whatever goes wrong is a refusal in one line."""

from __future__ import annotations

import itertools
import threading
import types

import docker.errors
import msgspec
import pytest

from orchestrator.launchers import runtimes
from orchestrator.launchers.trial import start
from tests.make import make_spec


class Engine:
    """A client with one container; `refuses` is what creating it raises, `breaks` what starting it does."""

    def __init__(self, refuses=None, breaks=None):
        self.done, self.refuses, self.breaks = [], refuses, breaks
        self.containers = types.SimpleNamespace(create=self.create)

    def create(self, **arguments):
        if self.refuses:
            raise self.refuses
        self.done.append(arguments["name"])
        return self

    def attach(self, **options):
        return iter([b'{"a":', b" 1}\n"])

    def start(self):
        if self.breaks:
            raise self.breaks
        self.done.append("start")

    def remove(self, force, v):
        self.done.append("remove")


def test_one_that_never_ends_is_removed_when_its_time_is_up():
    engine, removed = Engine(), threading.Event()
    engine.remove = lambda force, v: removed.set()
    engine.attach = lambda **options: (b"" for _ in iter(lambda: removed.wait(60), True))
    assert start.on_engine(engine, make_spec(), seconds=0.1).refusal == "it did not end within 0.1 s"


def test_one_that_never_stops_talking_is_not_heard_to_the_end():
    engine = Engine()
    engine.attach = lambda **options: itertools.repeat(b"x" * 2**20)
    assert len(start.on_engine(engine, make_spec()).output) <= start.MOST + 2**20
    assert engine.done[-1] == "remove"


def test_what_it_printed():
    engine = Engine()
    assert start.on_engine(engine, make_spec()).output == b'{"a": 1}\n'
    assert engine.done == ["job-1", "start", "remove"]


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (
            docker.errors.APIError("500", explanation="bind source path\ndoes not exist"),
            "bind source path does not exist",
        ),
        (ConnectionResetError("gone"), "gone"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(error, refusal):
    assert start.on_engine(Engine(refuses=error), make_spec()).refusal == refusal
    engine = Engine(breaks=error)
    assert start.on_engine(engine, make_spec()).refusal == refusal
    assert engine.done == ["job-1", "remove"]


@pytest.fixture
def podman(tmp_path):
    """A function that makes podman a shell script."""

    def make(script):
        program = tmp_path / "podman"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return msgspec.structs.replace(runtimes.load("podman"), program=[str(program)])

    return make


def test_by_a_command(podman, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy:1")
    ran = start.by_command(podman('echo noise >&2; echo "$1 $HTTPS_PROXY"'), make_spec())
    assert ran.output == b"run \n"


def test_a_command_that_could_not_start_it(podman, tmp_path):
    assert start.by_command(podman("echo 'no such\nimage' >&2; exit 125"), make_spec()).refusal == "no such image"
    ran = start.by_command(podman("echo Traceback >&2; exit 1"), make_spec())
    assert (ran.refusal, ran.output) == ("", b"Traceback\n")
    (tmp_path / "podman").unlink()
    gone = msgspec.structs.replace(runtimes.load("podman"), program=[str(tmp_path / "podman")])
    assert "cannot start" in start.by_command(gone, make_spec()).refusal


def test_one_that_hangs_is_removed(podman, tmp_path):
    runtime = podman(f'test "$1" = run && exec sleep 60; echo "$*" > {tmp_path}/ended')
    ran = start.by_command(runtime, make_spec(), seconds=0.2)
    assert ran.refusal == "it did not end within 0.2 s"
    assert "job-1" in (tmp_path / "ended").read_text()


def test_one_that_prints_without_end_fills_no_memory(podman, monkeypatch):
    monkeypatch.setattr(start, "MOST", 1000)
    ran = start.by_command(podman('test "$1" = run && head -c 10000000 /dev/zero && echo said >&2'), make_spec())
    assert (ran.refusal, ran.output) == ("", bytes(1000))
