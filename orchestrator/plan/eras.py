"""The stacks of other years that come with the program: files as anybody may have them, their locks beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from orchestrator.errors import UserError
from orchestrator.files import read_text
from orchestrator.model import Backend, DeviceKind, Stack
from orchestrator.plan.own_stack import MONTH, AskedStack, Shipped, made, read_stack_file

PIN = re.compile(r"^([\w.-]+)(?:\[[\w.,-]+\])?==([^\s;\\]+)", re.MULTILINE)
#: The comment of a lock that names the index beside the main one, where it is needed.
FROM = "# from: "
KINDS: tuple[DeviceKind, ...] = ("cpu", "gpu")


def era_stacks(catalog: Shipped) -> Iterator[Stack]:
    """The stacks of docker/eras/, in the order of their release. One that was never locked is left out.

    Raises UserError for a file that is wrong, or is none that can be shipped.
    """
    files = (read_stack_file(path, catalog) for path in sorted(catalog.eras_dir.glob("*.yaml")))
    found = [stack for asked in files for stack in _locked(asked, catalog)]
    yield from sorted(found, key=lambda stack: (stack.released, stack.name))


def _locked(asked: AskedStack, catalog: Shipped) -> Iterator[Stack]:
    """The stack of a file, with an image for each kind of device that it has a lock for."""
    if asked.name != asked.path.stem:
        raise UserError(f"{asked.path}: it is called {asked.name}", "name the file like the stack")
    if not asked.file.released:
        raise UserError(f"{asked.path}: `released` is missing", MONTH)
    locks = {kind: path for kind in KINDS if (path := beside(asked.path, kind)).is_file()}
    texts = {kind: read_text(path) for kind, path in locks.items()}
    each = [made(asked, kind, pins(text), None, index_of(text), catalog) for kind, text in texts.items()]
    if each:
        images = {kind: image for stack in each for kind, image in stack.images.items()}
        yield msgspec.structs.replace(each[0], images=images, backends=list(_backends(each)))


def _backends(each: Sequence[Stack]) -> Iterator[Backend]:
    """Those that the locks of all kinds of device have, with the package of each; all are of one version."""
    for backend in each[0].backends:
        same = [own for stack in each for own in stack.backends if own.name == backend.name]
        if len(same) == len(each):
            package = {kind: name for own in same for kind, name in own.package.items()}
            yield msgspec.structs.replace(backend, package=package)


def era_file(name: str, catalog: Shipped) -> Path | None:
    """The file of docker/eras/ that a name stands for, locked or not."""
    return next((path for path in catalog.eras_dir.glob("*.yaml") if path.stem == name), None)


def beside(path: Path, device: DeviceKind) -> Path:
    """Where the lock of a stack's file is looked for first."""
    return path.with_name(f"{path.stem}-{device}.txt")


def pins(lock: str) -> dict[str, str]:
    """The version of each package that a lock names, by the name that the index spells."""
    return {normal(name): version for name, version in PIN.findall(lock)}


def index_of(lock: str) -> str | None:
    """The index beside the main one that a lock needs."""
    return next((line.removeprefix(FROM) for line in lock.splitlines() if line.startswith(FROM)), None)


def normal(name: str) -> str:
    """A project's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()
