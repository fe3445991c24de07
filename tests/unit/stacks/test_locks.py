"""The locks: every package with a hash, and today's GPU stacks complete and of one CUDA each."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.locks import local_folder, lock_files, locked_wheels, normal, wheel_pin

CATALOG = load_catalog()
REQUIREMENTS = CATALOG.docker_dir / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
TODAY = [stack for stack in CATALOG.stacks if stack.era == "today"]
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)
#: The tool kit's own packages, whose versions are the tool kit's; cuDNN, NCCL and the like have their own.
TOOLKIT = re.compile(r"nvidia-cuda-(?:runtime|nvrtc|cupti|nvcc)(?:-cu\d+)?")


def pins(lock: Path) -> dict[str, str]:
    return dict(PIN.findall(lock.read_text()))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_a_hash(lock: Path):
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(lock)) > 0
    assert [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


@pytest.mark.parametrize("stack", TODAY, ids=lambda stack: stack.name)
def test_the_cuda_packages_of_todays_gpu_images_are_of_one_tool_kit(stack):
    locked = pins(REQUIREMENTS / f"{stack.name}-gpu.txt")
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
    words = ["pip", "install", "--dry-run", "--require-hashes", "-r", str(lock), "--target", str(tmp_path / "target")]
    words += ["--python-version", stack.python, "--python-platform", "x86_64-manylinux_2_28", "--no-config"]
    words += ["--default-index", os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"]
    answer = subprocess.run([find_uv_bin(), *words], capture_output=True, text=True, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert f"Resolved {len(pins(lock))} packages" in answer.stderr


def test_the_locks_of_a_stack_are_there():
    for stack in CATALOG.stacks:
        for device in stack.images:
            assert all((REQUIREMENTS / name).is_file() for name in lock_files(stack, device))
    assert lock_files(CATALOG.stack("keras1-mxnet"), "cpu") == ["keras1-mxnet-cpu.txt", "python2-tools.txt"]


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
