"""Packages beside an environment: locked against what is there, kept under the hash of their lock, and made again."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.model import Found
from orchestrator.stacks.found import addition
from orchestrator.stacks.found.probe import Seen
from orchestrator.stacks.venvs import Way
from orchestrator.text import silent

PACKAGES = ["jax==0.10.2", "keras==3.14.0", "python==3.12.1", "torch==2.13.0+cpu"]
SEEN = Seen(executable="/p", packages=PACKAGES, keras=["keras"])
FOUND = Found(kind="image", place="me/x:1", sha256="0" * 64, packages=PACKAGES)
LOCK = "keras==3.15.1 \\\n    --hash=sha256:00\n"


@pytest.fixture
def uv(monkeypatch, tmp_path):
    """What uv is asked, and what it would write; each call with its files as they are then."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked: list[tuple[list[str], dict[str, str]]] = []

    def run(argv, environment):
        given = [Path(word) for word in argv if word.endswith((".in", ".txt"))]
        files = {path.name: path.read_text() for path in given if path.exists()}
        asked.append((argv, files))
        if "compile" in argv:
            Path(argv[argv.index("--output-file") + 1]).write_text(LOCK)
        else:
            folder = Path(argv[argv.index("--target") + 1])
            (folder / "keras").mkdir(parents=True)
            (folder / ".lock").touch(0o666)

    monkeypatch.setattr(addition.tools, "run", run)
    return asked


def test_what_is_there_is_a_limit_and_never_installed_but_for_what_is_to_be_replaced(uv):
    assert addition.lock(["keras==3.15.1", "Some_Thing[x]>=1"], FOUND, SEEN, Way(), silent) == LOCK
    ((argv, files),) = uv
    assert files["asked.in"] == "keras==3.15.1\nSome_Thing[x]>=1\n"
    assert files["has.txt"] == "jax==0.10.2\n"  # a version of one place only is no limit that an index knows
    left_out = {argv[i + 1] for i, word in enumerate(argv) if word == "--no-emit-package"}
    assert left_out == {"jax", "torch"}
    assert argv[argv.index("--python-version") + 1] == "3.12.1" and ":all:" in argv


def test_an_interpreter_takes_packages_for_itself(uv):
    found = msgspec.structs.replace(FOUND, kind="python", place=sys.executable)
    addition.lock(["keras"], found, SEEN, Way(), silent)
    assert uv[0][0][uv[0][0].index("--python") + 1] == sys.executable and "--python-platform" not in uv[0][0]


def test_a_folder_is_made_once_and_anew_where_it_was_changed(uv):
    found, said = msgspec.structs.replace(FOUND, lock=LOCK), []
    here = Path(addition.ready(found, Way(), said.append))
    assert said == ["installing keras 3.15.1 beside me/x:1"] and not (here / ".lock").exists()
    assert addition.ready(found, Way(may_make=False), said.append) == str(here) and len(uv) == 1
    (here / "keras" / "planted.py").touch()
    with pytest.raises(HostError, match="none may be made"):
        addition.ready(found, Way(may_make=False), said.append)
    assert addition.ready(found, Way(), said.append) == str(here)
    assert len(uv) == 2 and not (here / "keras" / "planted.py").exists()
    assert not list(here.parent.glob("*.partial"))


def test_nothing_is_locked_where_nothing_may_be_made(uv):
    with pytest.raises(HostError, match="--with keras makes a folder of packages"):
        addition.lock(["keras"], FOUND, SEEN, Way(may_make=False), silent)
    assert not uv


def test_without_a_lock_there_is_no_folder_and_the_path_is_as_it_was(uv):
    assert addition.ready(FOUND, Way(), silent) == "" and not uv
    assert addition.first("", {"PYTHONPATH": "/a"}) == {"PYTHONPATH": "/a"}
    assert addition.first("/new", {"PYTHONPATH": "/a", "X": "1"}) == {"PYTHONPATH": "/new:/a", "X": "1"}
    assert addition.first("/new", {}) == {"PYTHONPATH": "/new"}
