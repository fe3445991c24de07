"""Finds the locked requirements of a stack, and local wheels that satisfy them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from orchestrator.errors import HostError, UserError
from orchestrator.files import expanded, sha256_file
from orchestrator.model import DeviceKind, OwnStack, Stack
from orchestrator.plan.eras import normal, pins

PYTHON2_TOOLS = "python2-tools.txt"
#: The lines of a lock: a comment, a package of one version, its hashes. Anything else would install something else.
LINE = re.compile(r"\s*(#.*)?|[\w.-]+(\[[\w.,-]+\])?==[\w.!+-]+( ?;[^\\]*)?( \\)?|\s+--hash=sha256:[0-9a-f]{64}( \\)?")
#: Packages of CUDA, which no CPU computes with.
CUDA = re.compile(r"nvidia-(?!ml-py)|jax-cuda\d|cuda-(?:bindings|pathfinder|toolkit)")


def lock_files(stack: Stack, device: DeviceKind, docker_dir: Path) -> dict[str, Path]:
    """The locks that an image is made from, by their names in its context."""
    tools = {PYTHON2_TOOLS: docker_dir / "requirements" / PYTHON2_TOOLS} if stack.python.startswith("2.") else {}
    return {f"{stack.name}-{device}.txt": lock_file(stack, device, docker_dir), **tools}


def lock_file(stack: Stack, device: DeviceKind, docker_dir: Path) -> Path:
    """The lock of a stack: below docker/, or the one that was read for a stack of one's own."""
    folder = docker_dir / ("eras" if stack.like else "requirements")
    return own_lock(stack, stack.own) if stack.own else folder / f"{stack.name}-{device}.txt"


def own_lock(stack: Stack, own: OwnStack) -> Path:
    """The lock of a stack of one's own. Raises HostError where it is not there, or not as it was when it was read."""
    path = Path(own.lock)
    try:
        digest = sha256_file(path)
    except OSError as error:
        raise HostError(f"the lock of {stack.name} cannot be read: {path}: {error.strerror}", LOCK_ANEW) from error
    if digest != own.lock_sha256:
        raise HostError(f"the lock of {stack.name} was changed since this was planned: {path}", LOCK_ANEW)
    return path


LOCK_ANEW = "start a new run with the file of the stack; `orchestrate lock FILE` makes its lock anew"


def refuse_unlocked(name: str, lock: str) -> None:
    """Raises UserError for a lock that names anything but packages of one version each, with hashes."""
    for number, line in enumerate(lock.splitlines(), 1):
        if not LINE.fullmatch(line):
            raise UserError(
                f"{name}, line {number}: {line.strip()[:80]!r} is no package of one version, and no hash of one",
                "`orchestrate lock FILE` makes the lock anew",
            )
    for entry in re.split(r"^(?=[\w.-]+(?:\[[\w.,-]+\])?==)", lock, flags=re.MULTILINE)[1:]:
        if "--hash=sha256:" not in entry:
            raise UserError(f"{name}: {entry.split()[0]} has no hash", "`orchestrate lock FILE` makes the lock anew")


def cuda_packages(lock: str) -> list[str]:
    """The packages of CUDA that a lock names."""
    return [name for name in pins(lock) if CUDA.match(name)]


def local_folder(place: str) -> Path | None:
    """The folder that a find-links entry means, or None for an address elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else expanded(place)


def locked_wheels(folders: Iterable[Path], lock: str) -> list[Path]:
    """The wheels in these folders that the lock names and whose hash it knows."""
    locked = pins(lock).items()
    wheels = [wheel for folder in folders for wheel in sorted(folder.glob("*.whl"))]
    return [wheel for wheel in wheels if wheel_pin(wheel) in locked and sha256_file(wheel) in lock]


def wheel_pin(wheel: Path) -> tuple[str, str]:
    """(project, version) of a wheel, by its name."""
    name, version, *_ = f"{unquote(wheel.name)}-".split("-")
    return normal(name), version
