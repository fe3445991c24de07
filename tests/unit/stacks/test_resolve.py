"""Locks: what is handed to uv, what is made of its answer, and what it cannot answer in words for people."""

from __future__ import annotations

import datetime
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from orchestrator.environment import CA_BUNDLES, CHOICES, PIP_SOURCES, UV_SOURCES
from orchestrator.errors import HostError, UserError
from orchestrator.stacks import python2_lock, resolve
from orchestrator.stacks.resolve import Wanted, cuda_words, dates, lock_again, resolved, wanted_by

ANSWER = "keras==3.10.0 \\\n    --hash=sha256:%s\n    # from https://pypi.org/simple\n" % ("a" * 64)
WANTED = Wanted(packages=["keras==3.10.0"], python="3.11")


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in (*PIP_SOURCES, *UV_SOURCES, *CHOICES, *CA_BUNDLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def uv(monkeypatch, tmp_path: Path):
    """A program in uv's place: gives `answer`, or fails with what it `said`; tells its words and variables."""

    def program(answer: str = ANSWER, said: str = "", code: int = 0):
        script, told = tmp_path / "uv", tmp_path / "told"
        script.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {told}; env > {told}.env; cat "$3" > {told}.in\n'
            f'while [ "$1" != --output-file ]; do shift; done\n'
            f"printf %s {shlex.quote(answer)} > \"$2\"; printf '%s' {shlex.quote(said)} >&2; exit {code}\n"
        )
        script.chmod(0o755)
        monkeypatch.setattr(resolve, "uv_program", lambda: str(script))
        return told

    return program


def test_uv_resolves_for_the_stacks_python_and_hashes(uv):
    told = uv()
    wanted = Wanted(packages=["keras==3.10.0", "jax"], python="3.9", as_of=datetime.date(2025, 6, 30))
    locked = resolved(wanted, "mine", os.environ)
    assert locked.packages == "keras==3.10.0 \\\n    --hash=sha256:%s\n" % ("a" * 64)
    words = told.read_text().split("\n")
    assert words[words.index("--python-version") + 1] == "3.9"
    assert words[words.index("--exclude-newer") + 1] == "2025-07-01T00:00:00Z"
    assert "--generate-hashes" in words
    assert Path(f"{told}.in").read_text() == "keras==3.10.0\njax\n"


def test_what_nothing_needs_is_left_out_of_a_lock_and_this_is_a_wish_of_its_own(uv):
    told = uv()
    wanted = wanted_by("# python: 3.11\n# without: triton nvidia-nvtx\nkeras==3.10.0\n", "mine.in")
    resolved(wanted, "mine", os.environ)
    words = told.read_text().split("\n")
    assert [words[i + 1] for i, word in enumerate(words) if word == "--no-emit-package"] == ["triton", "nvidia-nvtx"]
    assert "# without: triton nvidia-nvtx" in wanted.comments
    assert "# asked: keras==3.10.0" in wanted.comments


def test_only_the_stack_says_as_of_when(uv, monkeypatch):
    told = uv()
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    resolved(WANTED, "mine", os.environ)
    assert "UV_EXCLUDE_NEWER=2020" not in Path(f"{told}.env").read_text()
    assert "--exclude-newer" not in told.read_text()


def test_a_date_does_not_bind_versions_of_an_index_without_dates():
    packages = ["keras==3.10.0", "torch==2.7.0+cpu", "jax[cuda12]==0.6.2"]
    wanted = Wanted(packages=packages, python="3.11", as_of=datetime.date(2025, 12, 31), any_date=["jaxlib"])
    free = ["--exclude-newer-package", "jaxlib=false", "--exclude-newer-package", "torch=false"]
    assert dates(wanted) == ["--exclude-newer", "2026-01-01T00:00:00Z", *free]


@pytest.mark.parametrize(
    ("answer", "needed"),
    [
        (ANSWER, None),
        (ANSWER.replace("https://pypi.org/simple", "https://wheels.example/cpu"), "https://wheels.example/cpu"),
        (ANSWER.replace("3.10.0", "3.10.0+cpu"), "https://wheels.example/cpu"),
    ],
)
def test_the_further_index_is_named_only_where_a_package_is_from_it(uv, answer, needed):
    told = uv(answer)
    wanted = Wanted(packages=["keras"], python="3.11", index="https://wheels.example/cpu")
    assert resolved(wanted, "mine", os.environ).index == needed
    assert "UV_INDEX=https://wheels.example/cpu" in Path(f"{told}.env").read_text()


def test_folders_with_wheels_stand_in_for_the_further_index(uv, monkeypatch, tmp_path):
    told = uv()
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    resolved(Wanted(packages=["keras"], python="3.11", index="https://wheels.example"), "mine", os.environ)
    assert "wheels.example" not in Path(f"{told}.env").read_text()
    assert str(tmp_path / "wheels") in told.read_text()


NO_SOLUTION = """  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of keras==99 and you require keras==99, your requirements are unsatisfiable.

hint: `keras` was filtered by `exclude-newer`
"""
SILENT = """error: Request failed after 3 retries in 8.3s
  cause: Failed to fetch: https://joe:secret@nowhere.invalid/simple/keras/
  cause: dns error
"""


@pytest.mark.parametrize(
    ("said", "kind", "words", "hint"),
    [
        (NO_SOLUTION, UserError, "no version of keras==99", "packages, python or as_of"),
        (SILENT, HostError, "https://nowhere.invalid/simple/keras/", "package index in reach"),
        ("error: No space left on device (os error 28)", HostError, "disk is full", "free"),
        ("", UserError, "mine cannot be locked", "packages"),
    ],
)
def test_what_uv_cannot_do_is_one_line(uv, said, kind, words, hint):
    uv(said=said, code=2)
    with pytest.raises(kind) as caught:
        resolved(WANTED, "mine", os.environ)
    assert caught.value.message.startswith("mine cannot be locked: ")
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert "secret" not in caught.value.message and "\n" not in caught.value.message


def test_without_uv_its_install_command_is_named(monkeypatch):
    def gone():
        raise HostError("the program uv is not there", "pip install uv")

    monkeypatch.setattr(resolve, "uv_program", gone)
    with pytest.raises(HostError, match="mine cannot be locked: the program uv"):
        resolved(WANTED, "mine", os.environ)


def test_an_in_file_says_for_what_it_is():
    text = (
        "# python: 3.9\n# as-of: 2022-12-01\n# any-date: a b\n# index: https://x\n# Why: so.\nkeras==2.8.0  # old\n\n"
    )
    wanted = Wanted(
        packages=["keras==2.8.0"],
        python="3.9",
        as_of=datetime.date(2022, 12, 1),
        any_date=["a", "b"],
        index="https://x",
    )
    assert wanted_by(text, "x.in") == wanted
    comments = [
        "# python: 3.9",
        "# as-of: 2022-12-01",
        "# any-date: a b",
        "# index: https://x",
        "# asked: keras==2.8.0",
    ]
    assert wanted.comments == comments


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("keras\n", "does not say for which Python"),
        ("# python: 3.9\n# python: 3.11\n", "twice"),
        ("# python: 3.9\n# as-of: yesterday\n", "'yesterday' is no day"),
    ],
)
def test_an_in_file_that_cannot_be_meant_is_refused(text, what):
    with pytest.raises(UserError, match=f"x.in.*{what}"):
        wanted_by(text, "x.in")


def test_a_shipped_lock_is_written_beside_its_in_file(uv, tmp_path, monkeypatch):
    uv()
    source = tmp_path / "keras3-jax-cpu.in"
    source.write_text("# python: 3.11\nkeras==3.10.0\n")
    assert lock_again(source, os.environ) == tmp_path / "keras3-jax-cpu.txt"
    assert (tmp_path / "keras3-jax-cpu.txt").read_text().startswith("keras==3.10.0 \\\n    --hash")
    monkeypatch.setattr(python2_lock, "locked", lambda packages, sources: [f"{packages[0]} \\\n    --hash=..."])
    old = tmp_path / "old-cpu.in"
    old.write_text("# python: 2.7\nkeras==2.0.8\n")
    assert lock_again(old, os.environ).read_text().splitlines()[0].endswith("from old-cpu.in; do not edit.")


def test_cuda_in_a_lock_is_told_with_its_size(monkeypatch):
    lock = "".join(f"{name}==1 \\\n    --hash=sha256:{digit * 64}\n" for name, digit in
                   (("nvidia-cublas-cu12", "a"), ("nvidia-cudnn-cu12", "b"), ("numpy", "c")))  # fmt: skip
    files = {
        "nvidia-cublas-cu12": [("a", "manylinux_2_27_x86_64", 400), ("a", "manylinux_2_27_aarch64", 900)],
        "nvidia-cudnn-cu12": [("b", "manylinux_2_27_x86_64", 100), ("f", "manylinux_2_27_x86_64", 800)],
    }

    def index_files(name, sources):
        return [
            {"filename": f"{name}-1-py3-none-{tag}.whl", "hashes": {"sha256": digit * 64}, "size": size * 10**6}
            for digit, tag, size in files[name]
        ]

    monkeypatch.setattr(python2_lock, "index_files", index_files)
    assert cuda_words(lock, os.environ) == "2 packages of CUDA, 0.5 GB (nvidia-cublas-cu12, nvidia-cudnn-cu12)"
    assert cuda_words("numpy==1 \\\n", os.environ) == ""

    def silent(name, sources):
        raise HostError("no answer")

    monkeypatch.setattr(python2_lock, "index_files", silent)
    assert "2 packages of CUDA, of unknown size" in cuda_words(lock, os.environ)


@pytest.mark.slow
@pytest.mark.network
def test_a_stack_as_of_a_day_holds_nothing_of_later(tmp_path):
    """NumPy 2.3 and JAX 0.6.2 were the newest on that day; both have had many releases since."""
    wanted = Wanted(packages=["keras==3.10.0", "jax"], python="3.11", as_of=datetime.date(2025, 6, 30))
    locked = resolved(wanted, "mine", os.environ).packages
    assert "\njax==0.6.2 " in locked and "\nnumpy==2.3.1 " in locked
    check = [resolve.uv_program(), "pip", "install", "--dry-run", "--require-hashes", "--no-deps", "-r", "lock.txt"]
    (tmp_path / "lock.txt").write_text(locked)
    words = [*check, "--target", "t", "--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"]
    assert subprocess.run(words, capture_output=True, cwd=tmp_path).returncode == 0
    with pytest.raises(UserError, match="2024"):
        resolved(Wanted(packages=["keras==3.10.0"], python="3.11", as_of=datetime.date(2024, 6, 30)), "x", os.environ)
