"""The locks: every package with a hash, and today's GPU stacks complete and of one CUDA each."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest
from uv import find_uv_bin

from orchestrator.errors import HostError, UserError
from orchestrator.model import OwnStack
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.locks import (
    cuda_packages,
    local_folder,
    lock_file,
    lock_files,
    locked_wheels,
    normal,
    pins,
    refuse_unlocked,
    wheel_pin,
)
from orchestrator.stacks.resolve import wanted_by

CATALOG = load_catalog()
REQUIREMENTS = CATALOG.docker_dir / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
TODAY = [stack for stack in CATALOG.stacks if not stack.article and not stack.like]
#: The tool kit's own packages, whose versions are the tool kit's; cuDNN, NCCL and the like have their own.
TOOLKIT = re.compile(r"nvidia-cuda-(?:runtime|nvrtc|cupti|nvcc)(?:-cu\d+)?")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_a_hash(lock: Path):
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(lock.read_text())) > 0
    assert [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


@pytest.mark.parametrize("stack", TODAY, ids=lambda stack: stack.name)
def test_the_cuda_packages_of_todays_gpu_images_are_of_one_tool_kit(stack):
    locked = pins((REQUIREMENTS / f"{stack.name}-gpu.txt").read_text())
    toolkit = {name: version for name, version in locked.items() if TOOLKIT.fullmatch(name)}
    majors = {version.partition(".")[0] for version in toolkit.values()}
    majors |= {match[1] for name in locked if (match := re.search(r"-cu(?:da)?(\d\d)\b", name))}
    assert len(toolkit) >= 3
    assert len(majors) == 1, locked


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("stack", TODAY, ids=lambda stack: stack.name)
def test_todays_gpu_locks_are_complete_by_the_metadata_of_their_wheels(stack, tmp_path: Path):
    """uv reads what every wheel requires (not the wheels) and refuses a lock that lacks or contradicts any of it."""
    lock = REQUIREMENTS / f"{stack.name}-gpu.txt"
    without = wanted_by(lock.with_suffix(".in").read_text(), lock.name).without
    left_out = tmp_path / "left-out"
    left_out.write_text("".join(f"{package} ; python_version < '3'\n" for package in without))
    words = ["pip", "install", "--dry-run", "--require-hashes", "-r", str(lock), "--target", str(tmp_path / "target")]
    words += ["--overrides", str(left_out)]
    words += ["--python-version", stack.python, "--python-platform", "x86_64-manylinux_2_28", "--no-config"]
    words += ["--default-index", os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"]
    answer = subprocess.run([find_uv_bin(), *words], capture_output=True, text=True, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert f"Resolved {len(pins(lock.read_text()))} packages" in answer.stderr


def test_the_locks_of_a_stack_are_there():
    for stack in CATALOG.stacks:
        for device in stack.images:
            assert all(path.is_file() for path in lock_files(stack, device, CATALOG.docker_dir).values())
    files = lock_files(CATALOG.stack("keras1-mxnet"), "cpu", CATALOG.docker_dir)
    assert files == {name: REQUIREMENTS / name for name in ("keras1-mxnet-cpu.txt", "python2-tools.txt")}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_the_shipped_locks_are_what_a_lock_may_be(lock: Path):
    refuse_unlocked(lock.name, lock.read_text())


HASH = "    --hash=sha256:" + "a" * 64


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "-r other.txt",
        "--index-url https://wheels.example",
        "keras",
        "keras>=3",
        "keras @ https://wheels.example/keras.whl",
        "./keras.whl",
        f"keras==3.10.0 --index-url=x {HASH}",
        f"{HASH} --extra-index-url x",
    ],
)
def test_a_line_that_would_install_something_else_is_refused_by_its_number(line: str):
    good = f"# made by hand\nnumpy==2.0.0 ; python_version < '3.12' \\\n{HASH}\n"
    refuse_unlocked("x.txt", good)
    with pytest.raises(UserError, match=r"x\.txt, line 4: "):
        refuse_unlocked("x.txt", f"{good}{line}\n")


def test_a_package_without_a_hash_is_refused():
    with pytest.raises(UserError, match=r"jax==0\.6\.2 has no hash"):
        refuse_unlocked("x.txt", f"numpy==2.0.0 \\\n{HASH}\njax==0.6.2\n")


def test_packages_of_cuda_are_told_from_others():
    lock = "nvidia-ml-py==1 \nnvidia-cudnn-cu12==9.1 \njax-cuda12-plugin==0.6 \ncuda-toolkit==13 \ntorch==2.7.0+cpu \n"
    assert cuda_packages(lock) == ["nvidia-cudnn-cu12", "jax-cuda12-plugin", "cuda-toolkit"]
    assert pins(lock)["torch"] == "2.7.0+cpu"


@pytest.fixture
def own(tmp_path: Path):
    """A stack of one's own whose lock has one byte."""
    lock = tmp_path / "mine-cpu.txt"
    lock.write_text("x")
    where = OwnStack(
        path=str(tmp_path / "mine.yaml"), sha256="0" * 64, like="keras3-jax", lock=str(lock),
        lock_sha256=hashlib.sha256(b"x").hexdigest(),
    )  # fmt: skip
    return msgspec.structs.replace(CATALOG.stack("keras3-jax"), name="mine", own=where)


def test_the_lock_of_a_stack_of_ones_own_is_the_one_that_was_read_for_it(own):
    path = Path(own.own.lock)
    assert lock_files(own, "cpu", Path("/nowhere")) == {"mine-cpu.txt": path}
    path.write_text("y")
    with pytest.raises(HostError, match="the lock of mine was changed since"):
        lock_file(own, "cpu", Path("/nowhere"))
    path.unlink()
    with pytest.raises(HostError, match=r"cannot be read: .*mine-cpu\.txt: No such file"):
        lock_file(own, "cpu", Path("/nowhere"))


@pytest.mark.parametrize(
    ("place", "folder"),
    [
        ("https://download.pytorch.org/whl", None),
        ("file:///a%20b", Path("/a b")),
        ("/wheels", Path("/wheels")),
        ("~/wheels", Path.home() / "wheels"),
    ],
)
def test_only_some_find_links_are_folders_here(place: str, folder: Path | None):
    assert local_folder(place) == folder


def test_a_wheel_counts_only_with_the_locks_version_and_hash(tmp_path: Path):
    content = b"a wheel"
    good = tmp_path / "My_Lib.x-1.0+cpu-py3-none-any.whl"
    good.write_bytes(content)
    (tmp_path / "My_Lib.x-1.0+cpu-py2-none-any.whl").write_bytes(b"of another hash")
    (tmp_path / "My_Lib.x-2.0-py3-none-any.whl").write_bytes(content)
    (tmp_path / "other-1.0-py3-none-any.whl").write_bytes(content)
    lock = f"my-lib-x==1.0+cpu \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    assert locked_wheels([tmp_path, tmp_path / "nowhere"], lock) == [good]


def test_names_as_the_index_spells_them():
    assert normal("My_Lib..x") == "my-lib-x"
    assert wheel_pin(Path("torch-2.0%2Bcpu-cp311.whl")) == ("torch", "2.0+cpu")
