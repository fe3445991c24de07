"""Finds the locked requirements of a stack, and local wheels that satisfy them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from orchestrator.files import expanded, sha256_file
from orchestrator.model import DeviceKind, Stack

PYTHON2_TOOLS = "python2-tools.txt"


def lock_files(stack: Stack, device: DeviceKind) -> list[str]:
    """The locks that the image is made from, below docker/requirements/."""
    tools = [PYTHON2_TOOLS] if stack.python.startswith("2.") else []
    return [f"{stack.name}-{device}.txt", *tools]


def local_folder(place: str) -> Path | None:
    """The folder that a find-links entry means, or None for an address elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else expanded(place)


def locked_wheels(folders: Iterable[Path], lock: str) -> list[Path]:
    """The wheels in these folders that the lock names and whose hash it knows."""
    pins = {(normal(name), version) for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)}
    wheels = [wheel for folder in folders for wheel in sorted(folder.glob("*.whl"))]
    return [wheel for wheel in wheels if wheel_pin(wheel) in pins and sha256_file(wheel) in lock]


def wheel_pin(wheel: Path) -> tuple[str, str]:
    """(project, version) of a wheel, by its name."""
    name, version, *_ = f"{unquote(wheel.name)}-".split("-")
    return normal(name), version


def normal(name: str) -> str:
    """A project's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()
