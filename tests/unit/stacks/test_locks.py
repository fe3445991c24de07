"""The locks: every package with a hash, and today's GPU stacks complete and of one CUDA each."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from orchestrator.plan.catalog import load_catalog

pytestmark = pytest.mark.slow

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
