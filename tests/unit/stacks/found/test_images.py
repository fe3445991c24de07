"""An image that is not ours: its interpreter is started in place of its entry point, confined as jobs are."""

from __future__ import annotations

import json

import pytest

from orchestrator.errors import HostError
from orchestrator.launchers.container import Image
from orchestrator.launchers.trial.judge import Ran
from orchestrator.stacks.found import images
from orchestrator.stacks.found.script import MARK
from tests.fakes.pythons import ANSWER

DIGEST = "a" * 64
OUTPUT = f"welcome\n{MARK}{json.dumps(ANSWER)}\n".encode()


def look(monkeypatch: pytest.MonkeyPatch, **ran: Ran):
    """What is found where the programs end so, and the containers that were started."""
    started = []

    def run(spec):
        started.append(spec)
        return ran.get(spec.entrypoint, Ran(refusal="executable file not found"))

    monkeypatch.setattr(images, "_on_engine", lambda name: (Image(name=name, digest=f"sha256:{DIGEST}"), None, run))
    return started, lambda: images.look("me/jax:1", "docker")


def test_its_python_answers_by_either_name(monkeypatch):
    started, ask = look(monkeypatch, python=Ran(output=OUTPUT))
    found, seen = ask()
    assert [spec.entrypoint for spec in started] == ["python3", "python"]
    assert (found.kind, found.place, found.sha256, found.program) == ("image", "me/jax:1", DIGEST, "python")
    assert found.packages == sorted(ANSWER["packages"]) and seen.met["jax"].version == "0.10.2"


def test_the_container_is_confined_as_a_job_and_shows_it_nothing(monkeypatch):
    started, ask = look(monkeypatch, python3=Ran(output=OUTPUT))
    ask()
    (spec,) = started
    arguments = spec.engine_arguments()
    assert arguments["network_mode"] == "none" and arguments["read_only"] and arguments["cap_drop"] == ["ALL"]
    assert arguments["entrypoint"] == ["python3"] and arguments["command"][:2] == ["-B", "-c"]
    assert arguments["mounts"] == [] and not spec.user.startswith("0:")
    assert spec.labels["keras-orchestrate"] == "trial"  # a sweep finds it
    assert spec.gpu_uuid is None and spec.environment["CUDA_VISIBLE_DEVICES"] == "-1"


def test_an_image_without_a_python_says_what_each_name_gave(monkeypatch):
    _, ask = look(monkeypatch, python=Ran(output=b"[FATAL tini (6)] exec python failed: No such file\n"))
    with pytest.raises(HostError) as caught:
        ask()
    assert caught.value.message == (
        "no Python in me/jax:1 answers (python3: executable file not found; "
        "python: [FATAL tini (6)] exec python failed: No such file)"
    )


def test_an_image_that_is_not_there_is_not_pulled(monkeypatch):
    monkeypatch.setattr(images.engine, "connect", lambda: None)
    monkeypatch.setattr(images.engine, "inspect", lambda client, name: None)
    with pytest.raises(HostError, match="the engine has no image me/jax:1") as caught:
        images.look("me/jax:1", "docker")
    assert caught.value.hint == "`docker pull me/jax:1` fetches it"
