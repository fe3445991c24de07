"""A stack that is somebody's own file: a shipped stack with other packages. docs/STACKS.md says what may be in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from orchestrator.errors import UserError
from orchestrator.files import decode_yaml, read_bytes, sha256_file
from orchestrator.model import (
    Backend,
    Base,
    Declared,
    Deviation,
    DeviceKind,
    GpuNeeds,
    ImageVariant,
    Measured,
    Month,
    Name,
    Noun,
    OwnStack,
    Stack,
)
from orchestrator.text import listed, public, suggest

MONTH = 'write the month of the newest of Keras and backend as released: "2024-03"'
FINDS = r"(PATH|HOME|TMPDIR|ENV|BASH_ENV|IFS)\Z|(LD|PYTHON|PIP|UV|KERAS_ORCHESTRATE)_|PYTHON"
#: The packages that Keras comes in, and the variable names and values that an image's environment can hold.
KERAS = ("keras", "keras-mxnet", "keras-nightly", "tf-keras")
Requirement = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][\w.-]*(\[[\w.,-]+\])? *([=<>!~][^@;\s\\]*)?( *; *[^\n\r\\]+)?\Z", max_length=300)
]
Package = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][\w.-]*\Z", max_length=100)]
#: Variables that say which programs, modules and libraries are found are no settings of packages.
Variable = Annotated[str, Meta(pattern=rf"^(?!{FINDS})[A-Za-z_][A-Za-z0-9_]*\Z", max_length=100)]
Value = Annotated[str, Meta(pattern=r"^[^\s\"'\\$`\x00-\x1f]*\Z", max_length=1000)]
#: A title also stands, quoted, in a Dockerfile.
Title = Annotated[str, Meta(pattern=r"^[^\"\\$`\x00-\x1f]+\Z", max_length=100)]
Address = Annotated[str, Meta(pattern=r"^(none|(https?|file)://[^\s\"'\\$`]+)\Z", max_length=1000)]
HINTS = {
    "$.python": 'write it with quotes: python: "3.11"',
    "$.packages": "write [keras==3.10.0, torch==2.7.0]",
    "$.released": MONTH,
    "$.as_of": "write a day: as_of: 2023-08-01",
    "$.env": "settings only: no variable that says which programs or modules are found (PATH, HOME, LD_..., PYTHON...)",
}


class Shipped(Protocol):
    """What a file is read against: the catalog."""

    @property
    def stacks(self) -> Sequence[Stack]: ...

    @property
    def bases(self) -> Mapping[str, Base]: ...

    @property
    def eras_dir(self) -> Path: ...

    def stack(self, name: str) -> Stack: ...


class StackFile(Noun, frozen=True, kw_only=True):
    """What the file says."""

    like: Name
    #: Requirements; or one list of them for each kind of device.
    packages: list[Requirement] | dict[DeviceKind, list[Requirement]]
    name: Name | None = None
    title: Title | None = None
    python: Annotated[str, Meta(pattern=r"^[23]\.\d{1,2}\Z")] | None = None
    #: Packages are as they were on this day, but for those of `any_date`.
    as_of: date | None = None
    any_date: list[Package] = []
    #: An index with wheels that the main index lacks; None is that of `like`, "none" none.
    index: Address | None = None
    env: dict[Variable, Value] = {}
    #: The month of the newest of Keras and backend.
    released: Month = ""
    #: What the shipped ones say besides (docker/eras/).
    deviations: list[Deviation] = []
    declared: list[Declared] = []
    measured: dict[DeviceKind, Measured] = {}
    #: What the CUDA code of its gpu packages asks of the host, as docker/needs.py read it from them.
    gpu_needs: GpuNeeds | None = None


class AskedStack(Noun, frozen=True, kw_only=True):
    """A file that was read, and the stack that it is like: a stack once its lock is there."""

    path: Path
    sha256: str
    name: Name
    file: StackFile
    like: Stack

    @property
    def python(self) -> str:
        return self.file.python or self.like.python

    def packages(self, device: DeviceKind) -> list[str]:
        """What is asked for. Raises UserError where the file says nothing for this kind of device."""
        said = self.file.packages
        found = said.get(device, []) if isinstance(said, dict) else said
        if device not in self.like.images:
            raise UserError(f"{self.path.name}: {self.like.name} is not for a {device}", "choose another --device")
        if not found:
            raise UserError(
                f"{self.path.name} names no packages", f"write packages: {{{device}: [keras==3.10.0, ...]}}"
            )
        return found

    def index(self, device: DeviceKind) -> str | None:
        """The index beside the main one."""
        index = self.file.index or self.like.images[device].index
        return None if index == "none" else index


def read_stack_file(path: Path, catalog: Shipped) -> AskedStack:
    """What a file asks for. Raises UserError where it is no such file."""
    if not path.is_file():
        raise UserError(f"there is no file {path}", "`orchestrate new stack NAME` writes one to begin with")
    file = decode_yaml(read_bytes(path), path.name, StackFile, _hint)
    known = [stack.name for stack in catalog.stacks if stack.own is None and stack.like is None]
    if file.like not in known:
        other = next((stack.like for stack in catalog.stacks if stack.name == file.like), None)
        why = f"{file.like!r} is like another itself" if other else f"there is no stack {file.like!r}"
        raise UserError(f"{path.name}: `like`: {why}", suggest(other or file.like, known))
    name = file.name or re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("_-")[:40] or "own"
    if public(file.index or "") != (file.index or ""):
        raise UserError(
            f"{path.name}: `index` has an account or a token, which would stay in locks, records and images",
            "name it without; PIP_EXTRA_INDEX_URL in the environment, or ~/.netrc, may have it",
        )
    shipped = [*known, *(stack.name for stack in catalog.stacks if stack.like)]
    if name in shipped and path.resolve().parent != catalog.eras_dir.resolve():
        raise UserError(f"{path.name}: {name!r} is a stack that comes with the program", "give it another `name:`")
    return AskedStack(
        path=path.parent.resolve() / path.name,
        sha256=sha256_file(path),
        name=name,
        file=file,
        like=catalog.stack(file.like),
    )


def _hint(message: str) -> str:
    where = re.search(r"(?:at|in) `(\$[\w.]*)", message)
    if where and where[1] in HINTS:
        return HINTS[where[1]]
    fields = [field.name for field in msgspec.structs.fields(StackFile)]
    return f"fields: {', '.join(fields)} (docs/STACKS.md)"


def made(
    asked: AskedStack,
    device: DeviceKind,
    pins: Mapping[str, str],
    own: OwnStack | None,
    index: str | None,
    catalog: Shipped,
) -> Stack:
    """The stack that a file and its lock are. `pins`: the versions that the lock names; `index`: what it needs.

    `own` is None for a file of docker/eras/.

    Raises UserError where the lock lacks Keras, or every backend.
    """
    like, file = asked.like, asked.file
    legacy = file.env.get("TF_USE_LEGACY_KERAS", "0").lower() in ("1", "true")
    keras = next((pins[name] for name in (KERAS[::-1] if legacy else KERAS) if name in pins), None)
    backends = [found for backend in like.backends if (found := _backend(backend, device, pins))]
    for lacking, what in ((keras is None, "Keras"), (not backends, listed(b.name for b in like.backends))):
        if lacking:
            raise UserError(
                f"{asked.path.name}: its lock has no {what}",
                "add it to `packages`" + (f", or choose another stack than {like.name} for `like`" if keras else ""),
            )
    assert keras is not None
    titles = listed(backend.title for backend in backends)
    return Stack(
        name=asked.name,
        title=file.title or f"Keras {keras} with {titles}",
        python=asked.python,
        keras=".".join(keras.split(".")[:3]),
        base=_base(like, asked.python, catalog),
        backends=backends,
        images={device: _variant(like.images[device], asked, device, index)},
        caches=like.caches,
        own=own,
        like=None if own else like.name,
        released=file.released,
        deviations=file.deviations,
        declared=file.declared,
    )


def _backend(backend: Backend, device: DeviceKind, pins: Mapping[str, str]) -> Backend | None:
    """The backend with the package and the version that the lock has; None where it has none."""
    packages = (backend.package[device], *backend.package.values())
    names = {re.sub(r"[-_.]+", "-", name).lower(): name for name in packages}
    found = next((name for name in names if name in pins), None)
    if found is None:
        return None
    title = re.sub(r" \d[\w.+]*\Z", "", backend.title)
    version = pins[found].partition("+")[0]
    # Its month is the file's: that of `like` is of another version.
    changes = {"title": f"{title} {version}", "package": {device: names[found]}, "released": ""}
    return msgspec.structs.replace(backend, **changes)


def _base(like: Stack, python: str, catalog: Shipped) -> str:
    """The base image whose Debian has this Python; that of `like` where none has it, for processes."""
    names = [like.base, *(name for name in catalog.bases if name != like.base)]
    return next((name for name in names if python in catalog.bases[name].pythons), like.base)


def _variant(variant: ImageVariant, asked: AskedStack, device: DeviceKind, index: str | None) -> ImageVariant:
    """The image of `like` with another environment.

    What its CUDA needs is known where that is not in wheels, or the file says it. Files that the packages of `like`
    have for nothing may be missing in these, or be of use: all stay.
    """
    measured = asked.file.measured.get(device)
    return msgspec.structs.replace(
        variant,
        env={**variant.env, **asked.file.env},
        index=index,
        gpu_needs=asked.file.gpu_needs or (variant.gpu_needs if variant.cuda else None),
        backend_needs=variant.backend_needs if variant.cuda else {},
        verified=measured is not None,
        measured=measured,
        unused=[],
    )
