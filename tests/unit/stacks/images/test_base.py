"""Base images: what is there, else pulled, else made here, as was asked for."""

from __future__ import annotations

import subprocess
import types
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from orchestrator.errors import HostError
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.images import base
from tests.fakes.docker_engine import FakeEngine

BULLSEYE = load_catalog().bases["bullseye"]


@pytest.fixture
def said() -> list[str]:
    return []


def test_auto_pulls_where_a_registry_answers(said: list[str]):
    engine = FakeEngine(registry=True)
    assert base.ensure_base(engine, BULLSEYE, "auto", said.append) == BULLSEYE.reference
    assert base.ensure_base(engine, BULLSEYE, "auto", said.append) == BULLSEYE.reference
    assert said == [f"pulling {BULLSEYE.reference}"]


def test_auto_makes_the_base_where_no_registry_answers_and_says_so(monkeypatch: pytest.MonkeyPatch, said: list[str]):
    monkeypatch.setattr(base, "bootstrap", lambda *_: "made")
    assert base.ensure_base(FakeEngine(), BULLSEYE, "auto", said.append) == "made"
    assert "no such host; making the base image from Debian's packages instead" in said[-1]


def test_a_base_made_here_is_used_again_but_not_when_pulling_was_asked_for(said: list[str]):
    engine = FakeEngine()
    engine.add("keras-orchestrate/base:bullseye")
    assert base.ensure_base(engine, BULLSEYE, "auto", said.append) == "keras-orchestrate/base:bullseye"
    assert base.ensure_base(engine, BULLSEYE, "bootstrap", said.append) == "keras-orchestrate/base:bullseye"
    with pytest.raises(HostError, match="cannot pull debian:bullseye-slim@sha256:") as caught:
        base.ensure_base(engine, BULLSEYE, "pull", said.append)
    assert "--base bootstrap" in caught.value.hint


def test_without_mmdebstrap_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match=r"mmdebstrap.* is not installed") as caught:
        base.ensure_base(FakeEngine(), BULLSEYE, "bootstrap", print)
    assert "apt-get install mmdebstrap" in caught.value.hint


def test_mmdebstrap_takes_the_mirror_and_forgives_an_archives_age():
    plain = base.mmdebstrap_command("mmdebstrap", BULLSEYE, "base.tar", None)
    assert plain[-3] == "deb http://deb.debian.org/debian bullseye main"
    assert plain[-1] == "deb http://deb.debian.org/debian-security bullseye-security main"
    archived = base.mmdebstrap_command("mmdebstrap", BULLSEYE, "base.tar", "http://archive.debian.org/debian")
    assert archived[-1] == "deb http://archive.debian.org/debian-security bullseye-security main"
    assert '--aptopt=Acquire::Check-Valid-Until "false"' in archived


@pytest.mark.parametrize(("root", "hint"), [(True, "debian-archive-keyring"), (False, "try with sudo")])
def test_what_mmdebstrap_said_last_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, root: bool, hint: str):
    monkeypatch.setattr(base.os, "geteuid", lambda: 0 if root else 1000)
    with pytest.raises(HostError, match=r"^mmdebstrap failed: two; three; four$") as caught:
        base.run_mmdebstrap(["sh", "-c", "printf 'one\\ntwo\\nthree\\nfour\\n' >&2; exit 1"])
    assert hint in caught.value.hint


def test_a_base_that_is_made_is_imported_under_our_name(monkeypatch: pytest.MonkeyPatch, said: list[str]):
    commands: list[list[str]] = []
    imported: list[dict[str, Any]] = []
    monkeypatch.setattr(base.shutil, "which", lambda name: "/usr/bin/mmdebstrap")
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(base.subprocess, "run", lambda argv, **_: commands.append(argv) or done)
    api = types.SimpleNamespace(import_image_from_file=lambda path, **fields: imported.append(fields))
    client = types.SimpleNamespace(api=api)
    assert base.bootstrap(client, BULLSEYE, said.append) == "keras-orchestrate/base:bullseye"
    assert (imported[0]["repository"], imported[0]["tag"]) == ("keras-orchestrate/base", "bullseye")
    assert 'org.keras-orchestrate.base="bullseye"' in imported[0]["changes"][1]
    (archive,) = [word for word in commands[0] if word.endswith("base.tar")]
    assert not Path(archive).parent.exists(), "the temporary archive is removed"


def test_an_engine_that_does_not_take_the_base_is_quoted():
    def refuse(*_: Any, **__: Any) -> None:
        raise docker.errors.APIError("500", explanation="no space left")

    client = types.SimpleNamespace(api=types.SimpleNamespace(import_image_from_file=refuse))
    with pytest.raises(HostError, match=r"^the engine did not take the base image: no space left$"):
        base.import_base(client, BULLSEYE, "base.tar", "http://mirror")
