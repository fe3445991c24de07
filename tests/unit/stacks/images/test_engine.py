"""The Docker engine: why none answers, and what one knows of an image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.stacks.images import engine
from tests.fakes.docker_engine import FakeEngine


def test_connecting_to_nothing_names_docker_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(HostError, match=r"no Docker engine answers at DOCKER_HOST=unix://.*none\.sock"):
        engine.connect()


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:99999", "tcp://", "nonsense", "http://[", "tcp://127.0.0.1:1"])
def test_an_address_that_leads_nowhere_is_no_traceback(monkeypatch: pytest.MonkeyPatch, host: str):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(HostError, match=re.escape(f"no Docker engine answers at DOCKER_HOST={host}: ")):
        engine.connect()


def test_a_user_without_a_home_is_told_of_the_engine_and_of_nothing_else(monkeypatch: pytest.MonkeyPatch):
    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setattr("orchestrator.files.pwd.getpwuid", unknown)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(HostError, match="no Docker engine answers"):
        engine.connect()


def test_an_image_with_our_labels():
    client = FakeEngine()
    labels = {engine.RECIPE_LABEL: "f" * 64, engine.BASE_LABEL: "debian:x", engine.UNUSABLE_LABEL: "theano,cntk"}
    client.add("image:1", labels)
    assert engine.inspect(client, "image:1") == engine.ImageInfo(
        id="sha256:1",
        created="2026-01-01T00:00:00Z",
        size_mb=500,
        dockerfile_sha256="f" * 64,
        base="debian:x",
        unusable=["theano", "cntk"],
    )


def test_an_image_of_others_and_one_that_is_not_there():
    client = FakeEngine()
    client.add("image:1")
    info = engine.inspect(client, "image:1")
    assert info is not None
    assert (info.dockerfile_sha256, info.base, info.unusable) == (None, None, [])
    assert engine.has_image(client, "image:1")
    assert engine.inspect(client, "image:2") is None
    assert not engine.has_image(client, "image:2")


@pytest.mark.parametrize("config", [None, {}, {"Labels": None}])
def test_what_other_runtimes_say_of_an_image_without_labels(config: dict[str, None] | None):
    info = engine.info_of({"Id": "1", "Created": "now", "Size": 2e6, "Config": config})
    assert (info.id, info.size_mb, info.unusable) == ("1", 2, [])


def test_an_engine_is_connected_to_once_and_its_silence_is_remembered(monkeypatch: pytest.MonkeyPatch):
    answers = iter([HostError("no engine"), "a client"])
    asked = []

    def connect():
        asked.append(1)
        answer = next(answers)
        if isinstance(answer, HostError):
            raise answer
        return answer

    monkeypatch.setattr(engine, "connect", connect)
    silent, good = engine.Engine(), engine.Engine()
    for _ in range(2):
        with pytest.raises(HostError, match="no engine"):
            silent.client()
    assert [good.client() for _ in range(2)] == ["a client"] * 2
    assert len(asked) == 2
