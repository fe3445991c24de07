"""`orchestrate lock`: of shipped stacks and of one's own; a bad one hinders no other, and nothing is a traceback."""

from __future__ import annotations

import shutil

import pytest

from orchestrator.cli.verbs import lock as verb
from orchestrator.errors import HostError
from orchestrator.stacks import own_locks
from orchestrator.stacks.resolve import Locked
from tests.conftest import ROOT

GOOD = "like: keras3-jax\npackages: [keras==3.10.0, jax==0.6.2]\n"
HASH = " \\\n    --hash=sha256:" + "a" * 64 + "\n"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy of docker/ and workloads/; which of its locks were made."""
    for name in ("docker", "workloads"):
        shutil.copytree(ROOT / name, tmp_path / "root" / name, ignore=shutil.ignore_patterns("cuda", "__pycache__"))
    made: list[str] = []
    monkeypatch.setattr(verb, "lock_again", lambda source, environ: made.append(source.stem) or source)
    return tmp_path / "root", made


@pytest.fixture(autouse=True)
def index(monkeypatch):
    def resolved(wanted, what, environ):
        if "nothing" in what:
            raise HostError(f"{what} cannot be locked: the index is silent", "is it in reach?")
        return Locked(packages="".join(f"{each}{HASH}" for each in wanted.packages))

    monkeypatch.setattr(own_locks, "resolved", resolved)


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["keras3-jax"], ["keras3-jax-cpu", "keras3-jax-gpu"]),
        (["keras3-jax-gpu", "keras2-theano-cpu"], ["keras2-theano-cpu", "keras3-jax-gpu"]),
        (["keras3-jax", "--device", "gpu"], ["keras3-jax-gpu"]),
        (["python2-tools"], ["python2-tools"]),
    ],
)
def test_shipped_stacks_are_named_whole_or_by_device(orchestrate, shipped, words, made):
    assert orchestrate("lock", *words, "--root", shipped[0]).returncode == 0
    assert shipped[1] == made


def test_all_of_them_where_none_is_named(orchestrate, shipped):
    assert orchestrate("lock", "--root", shipped[0]).returncode == 0
    assert len(shipped[1]) == len(list((ROOT / "docker" / "requirements").glob("*.in")))


def test_a_name_that_none_has_is_one_line(orchestrate, shipped):
    answer = orchestrate("lock", "keras3-jaxx", "--root", shipped[0])
    assert answer.returncode == 2
    assert "no stack is called 'keras3-jaxx'" in answer.stderr
    assert "did you mean 'keras3-jax'?" in answer.stderr
    assert shipped[1] == []


def test_a_stack_of_another_year_is_locked_by_its_name(orchestrate, shipped):
    lock = shipped[0] / "docker" / "eras" / "keras30-jax0423-cpu.txt"
    for device in ("cpu", "gpu"):
        lock.with_name(f"keras30-jax0423-{device}.txt").unlink()
    file = lock.with_name("keras30-jax0423.yaml")
    file.write_text(file.read_text().replace(", packaging]", "]"))
    answer = orchestrate("lock", "keras30-jax0423", "--root", shipped[0])
    assert (answer.returncode, shipped[1]) == (0, []), answer.stderr
    assert "keras30-jax0423: Keras 3.0" in answer.stderr and "keras==3.0" in lock.read_text()


def test_a_python_that_no_image_has_is_told_with_the_lock(orchestrate, tmp_path):
    (tmp_path / "jax62.yaml").write_text(f'{GOOD}python: "3.10"\n')
    answer = orchestrate("lock", "jax62.yaml")
    assert answer.returncode == 0
    assert "no base image has Python 3.10: jax62 runs with --launcher process alone" in answer.stderr


def test_a_file_is_locked_anew_and_says_what_it_is(orchestrate, tmp_path):
    (tmp_path / "jax62.yaml").write_text(GOOD)
    (tmp_path / "jax62-cpu.txt").write_text("# asked: another\n")
    answer = orchestrate("lock", "jax62.yaml")
    assert answer.returncode == 0, answer.stderr
    assert "jax62: Keras 3.10.0 with JAX 0.6.2" in answer.stderr
    assert "jax==0.6.2 \\" in (tmp_path / "jax62-cpu.txt").read_text()
    assert not (tmp_path / "jax62-gpu.txt").exists()
    assert orchestrate("lock", "jax62.yaml", "--device", "gpu").returncode == 0
    assert (tmp_path / "jax62-gpu.txt").exists()


def test_a_bad_file_hinders_no_other(orchestrate, tmp_path):
    (tmp_path / "bad.yaml").write_text("like: [")
    (tmp_path / "nothing.yaml").write_text(GOOD)
    (tmp_path / "good.yaml").write_text(GOOD)
    answer = orchestrate("lock", "bad.yaml", "nothing.yaml", "good.yaml")
    assert answer.returncode == 3
    assert "ERROR bad.yaml is not YAML" in answer.stderr
    assert "ERROR nothing.yaml cannot be locked: the index is silent" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert (tmp_path / "good-cpu.txt").exists()
