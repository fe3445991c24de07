"""What a user names, looked into: paths that are no interpreters, what is handed on, what is said."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import HostError, OrchestrateError, UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.stacks.found import find
from orchestrator.stacks.venvs import Way
from tests.fakes.pythons import ANSWER, fake_python, saying

CATALOG = load_catalog()


def stacks(*pythons: str, said=None):
    said = [] if said is None else said
    return find.found_stacks(Config(pythons=list(pythons)), CATALOG, Way(), said.append)


def test_two_environments_are_two_stacks_and_what_is_in_them_is_said(tmp_path):
    answer = {**ANSWER, "met": {**ANSWER["met"], "torch": {"error": "ImportError: \x1b[31mno"}}}
    one = fake_python(tmp_path / "one" / "bin" / "python", saying(ANSWER))
    two = fake_python(tmp_path / "two" / "one" / "bin" / "python", saying(answer))
    said: list[str] = []
    first, second = stacks(one, two, said=said)
    assert (first.name, second.name) == ("one", "one-2")
    assert (first.found.place, second.found.place) == (one, two)
    assert said[-3:] == [
        f"looking into {two}",
        f"one-2: Python 3.11 at {two}, as found; Keras 3.15.1 with JAX 0.10.2",
        "one-2: torch is there and cannot be used: ImportError: [31mno",
    ]


def test_a_link_to_an_interpreter_stays_one(tmp_path):
    real = fake_python(tmp_path / "real" / "bin" / "python3.11", saying(ANSWER))
    link = tmp_path / "env" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    assert stacks(str(link))[0].found.place == str(link)


def test_a_shim_is_what_it_starts_here(tmp_path):
    shim = fake_python(tmp_path / "shims" / "python", saying(ANSWER))
    assert stacks(shim)[0].found.place == ANSWER["executable"]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("nothing", UserError, "there is no interpreter"),
        ("folder", UserError, "is a folder"),
        ("plain", UserError, "cannot be executed"),
        ("open", HostError, "can be anybody's"),
        ("bare", HostError, "there is no Keras in"),
    ],
)
def test_what_cannot_serve_is_one_line(tmp_path, name, kind, words):
    (tmp_path / "folder" / "bin").mkdir(parents=True)
    (tmp_path / "plain").write_text("x")
    Path(fake_python(tmp_path / "open", saying(ANSWER))).chmod(0o777)
    fake_python(tmp_path / "bare", saying({**ANSWER, "keras": [], "met": {}}))
    fake_python(tmp_path / "folder" / "bin" / "python", "")
    with pytest.raises(OrchestrateError, match=words) as caught:
        stacks(str(tmp_path / name))
    assert isinstance(caught.value, kind) and caught.value.hint
    if name == "folder":
        assert caught.value.hint == f"name its interpreter: {tmp_path}/folder/bin/python"


def test_only_what_decides_the_packages_is_handed_on(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    environ = {"PYTHONPATH": "/site", "LD_LIBRARY_PATH": "/cuda", "TOKEN": "x", "CUDA_HOME": "", "PYTHONHOME": "/no"}
    assert find.handed_on(environ) == {
        "PYTHONPATH": "/site",
        "LD_LIBRARY_PATH": "/cuda",
        "PYTHONUSERBASE": "/home/me/.local",
    }
    assert find.handed_on({"PYTHONUSERBASE": "/base"}) == {"PYTHONUSERBASE": "/base"}


def test_an_environment_is_looked_at_again_with_the_variables_of_then(tmp_path):
    python = fake_python(tmp_path / "e" / "bin" / "python", f'echo "$PYTHONPATH" > {tmp_path}/path\n{saying(ANSWER)}')
    (stack,) = stacks(python)
    changed = {**ANSWER, "packages": ["jax==0.11.0", "keras==3.15.1", "python==3.11.7"]}
    said: list[str] = []
    assert find.again(stack.found, "e", Way(), said.append) == (stack.found, stack.found.env) and not said
    fake_python(Path(python), f'echo "$PYTHONPATH" > {tmp_path}/path\n{saying(changed)}')
    then = msgspec.structs.replace(stack.found, env={"PYTHONPATH": "/then"})
    now, _ = find.again(then, "e", Way(), said.append)
    assert now.sha256 != stack.found.sha256 and said == ["e is not as it was found: jax 0.10.2 is 0.11.0 now"]
    assert (tmp_path / "path").read_text() == "/then\n"


def test_the_interpreter_of_this_program_has_no_keras_and_says_so():
    with pytest.raises(HostError, match="there is no Keras in"):
        stacks(sys.executable)
