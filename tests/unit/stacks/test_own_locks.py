"""The lock of a stack of one's own: made once, read from then on, never silently another than its file asks for."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.files import replacing
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.own_stack import read_stack_file
from orchestrator.stacks import own_locks
from orchestrator.stacks.indexes import Sources
from orchestrator.stacks.resolve import Locked
from orchestrator.stacks.venvs import own_indexes

CATALOG = load_catalog()
HASH = " \\\n    --hash=sha256:" + "a" * 64 + "\n"
FILE = "like: keras3-torch\npackages: [keras==3.10.0, torch==2.7.0]\nas_of: 2025-06-30\n"


@pytest.fixture
def made(monkeypatch, tmp_path: Path) -> list[str]:
    """What was locked, in place of asking an index."""
    found: list[str] = []

    def resolved(wanted, what, environ) -> Locked:
        found.append(what)
        packages = "".join(f"{each}{HASH}" for each in [*wanted.packages, "nvidia-cublas-cu12==1"])
        return Locked(packages=packages, index=wanted.index if "+cpu" in packages else None)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(own_locks, "resolved", resolved)
    monkeypatch.setattr(own_locks, "cuda_words", lambda text, environ: "1 package of CUDA, 2.0 GB")
    return found


@pytest.fixture
def ready(tmp_path: Path, made) -> Callable:
    def call(text: str = FILE, device="cpu", may_lock: bool = True, said: list[str] | None = None):
        (tmp_path / "torch27.yaml").write_text(text)
        asked = read_stack_file(tmp_path / "torch27.yaml", CATALOG)
        return own_locks.ready(asked, device, CATALOG, may_lock, (said if said is not None else []).append)

    return call


def test_a_stack_is_locked_at_first_use_and_read_from_then_on(ready, made, tmp_path):
    said: list[str] = []
    stack = ready(said=said)
    lock = tmp_path / "torch27-cpu.txt"
    assert stack.title == "Keras 3.10.0 with PyTorch 2.7.0"
    assert stack.own.lock == str(lock)
    assert stack.own.lock_sha256 == hashlib.sha256(lock.read_bytes()).hexdigest()
    assert stack.own.sha256 == hashlib.sha256((tmp_path / "torch27.yaml").read_bytes()).hexdigest()
    assert any("torch27-cpu.txt: 3 packages" in line for line in said)
    before = lock.read_bytes()
    assert ready(may_lock=False) == stack
    assert (made, lock.read_bytes()) == (["torch27.yaml"], before)


def test_the_lock_says_what_it_was_made_for(ready, tmp_path):
    ready(FILE.replace("2.7.0", "2.7.0+cpu") + "python: '3.11'\n")
    index = CATALOG.stack("keras3-torch").images["cpu"].index
    head = (tmp_path / "torch27-cpu.txt").read_text().splitlines()[:8]
    assert head == [
        "# Made by `orchestrate lock torch27.yaml`; do not edit.",
        "# python: 3.11",
        "# as-of: 2025-06-30",
        f"# index: {index}",
        "# asked: keras==3.10.0",
        "# asked: torch==2.7.0+cpu",
        "# CUDA: 1 package of CUDA, 2.0 GB",
        f"# from: {index}",
    ]


def test_the_further_index_is_of_the_image_only_where_it_is_needed(ready):
    assert ready().images["cpu"].index is None


def test_an_index_that_is_needed_is_of_the_image(ready):
    stack = ready(FILE.replace("2.7.0", "2.7.0+cpu"))
    assert stack.images["cpu"].index == CATALOG.stack("keras3-torch").images["cpu"].index


def test_cuda_is_told_at_each_use_on_a_cpu(ready):
    for _ in range(2):
        said: list[str] = []
        ready(said=said)
        assert [line for line in said if "holds 1 package of CUDA, 2.0 GB" in line]
    said = []
    ready(device="gpu", said=said)
    assert not [line for line in said if "CUDA" in line]


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("torch==2.7.0", "torch==2.8.0", "asked: torch==2.8.0"),
        ("2025-06-30", "2025-07-30", "as-of: 2025-07-30"),
        ("as_of: 2025-06-30\n", "", "as-of: 2025-06-30"),
        ("as_of", "python: '3.9'\nas_of", "python: 3.9"),
    ],
)
def test_a_lock_of_other_wishes_is_not_used(ready, old, new, differs):
    ready()
    with pytest.raises(UserError, match=r"made for other wishes than torch27\.yaml has now") as caught:
        ready(FILE.replace(old, new))
    assert differs in caught.value.message
    assert "orchestrate lock " in caught.value.hint


def test_names_and_variables_may_change_without_a_new_lock(ready, made):
    ready()
    assert ready(FILE + "name: other\nenv: {A: b}\n").name == "other"
    assert len(made) == 1


def test_a_lock_by_hand_is_read_as_it_is(ready, made, tmp_path):
    (tmp_path / "torch27-cpu.txt").write_text(f"keras==3.9.0{HASH}torch==2.6.0{HASH}")
    assert ready().title == "Keras 3.9.0 with PyTorch 2.6.0"
    assert made == []


def test_a_lock_that_installs_something_else_is_refused(ready, tmp_path):
    (tmp_path / "torch27-cpu.txt").write_text(f"-e .\nkeras==3.9.0{HASH}torch==2.6.0{HASH}")
    with pytest.raises(UserError, match=r"torch27-cpu\.txt, line 1"):
        ready()


def test_what_may_not_lock_says_which_command_does(ready, made, tmp_path):
    with pytest.raises(own_locks.NoLock, match="has no lock yet") as caught:
        ready(may_lock=False)
    assert f"orchestrate lock {tmp_path}/torch27.yaml" in caught.value.hint
    assert made == []
    assert not list(tmp_path.glob("*.txt"))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_beside_a_file_that_is_only_read_the_lock_is_kept_in_the_cache(ready, made, monkeypatch, tmp_path, code):
    def closed(path, mode, place):
        raise OSError(code, "closed")

    monkeypatch.setattr(own_locks, "replacing", closed)
    said: list[str] = []
    stack = ready(said=said)
    assert Path(stack.own.lock).parent == tmp_path / "cache" / "keras-orchestrate" / "locks"
    assert f"{tmp_path} cannot be written to: the lock is kept in the cache" in said
    assert ready(may_lock=False) == stack
    monkeypatch.setattr(own_locks, "replacing", replacing)
    own_locks.lock(read_stack_file(tmp_path / "torch27.yaml", CATALOG), "cpu", {}, said.append)
    assert Path(ready().own.lock).parent == tmp_path, "of two, the one beside the file counts"
    assert not Path(stack.own.lock).exists()


def test_a_full_disk_is_one_line(ready, monkeypatch):
    def full(path, mode, place):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(own_locks, "replacing", full)
    with pytest.raises(HostError, match=r"cannot write .*torch27-cpu\.txt: No space left"):
        ready()


@pytest.mark.parametrize(
    "named", ["https://evil.example/simple", "https://a https://b", "x PIP_FIND_LINKS=https://evil", "file:///tmp/x\\"]
)
def test_a_lock_names_no_other_index_than_its_file(ready, tmp_path, named):
    ready()
    lock = tmp_path / "torch27-cpu.txt"
    lock.write_text(f"# from: {named}\n{lock.read_text()}")
    with pytest.raises(UserError, match=r"torch27-cpu\.txt names a package index that torch27\.yaml does not"):
        ready()


def test_two_indexes_in_a_lock_are_refused(ready, tmp_path):
    ready(FILE.replace("2.7.0", "2.7.0+cpu"))
    lock = tmp_path / "torch27-cpu.txt"
    lock.write_text(lock.read_text() + "# from: https://evil.example/simple\n")
    with pytest.raises(UserError, match="names a package index"):
        ready(FILE.replace("2.7.0", "2.7.0+cpu"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's file")
def test_a_lock_that_anybody_could_have_put_there_is_not_believed(ready, tmp_path):
    ready()
    tmp_path.chmod(0o1777)
    ready()  # it is the caller's
    os.chown(tmp_path / "torch27-cpu.txt", 12345, 12345)
    with pytest.raises(HostError, match=r"torch27-cpu\.txt can be anybody's"):
        ready()


def test_a_file_beside_a_lock_names_no_index_for_it(ready, tmp_path):
    ready()
    (tmp_path / "torch27-cpu.in").write_text("# index: https://evil.example/simple\n")
    assert own_indexes(tmp_path / "torch27-cpu.txt", Sources()) == []
