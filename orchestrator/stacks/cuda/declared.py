"""The declarations of docker/cuda.yaml: the files that GPU images need from NVIDIA, and the routes that give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from orchestrator.errors import UserError
from orchestrator.files import read_yaml, refuse_faults
from orchestrator.model import Name, Noun, Sha256

#: tar: a .tar.gz, .tgz, .tar.bz2 or .tar.xz, as conda's packages are; file: taken as it is.
Kind = Literal["tar", "deb", "file", "image"]


class File(Noun, frozen=True, kw_only=True):
    """One file of a part; `name` is its name in the image and, for a library, its soname."""

    name: str
    #: Other names that it has in some archives.
    also: list[str] = []
    #: A regular expression that the text of a header must hold, so that another version's is not taken.
    holds: str = ""
    #: Files that this one asks for in turn.
    needs: list[str] = []

    @property
    def place(self) -> str:
        """Its path below docker/cuda/<version>/ and, in the image, below /opt/cuda/."""
        if self.name.endswith(".h"):
            return f"include/{self.name}"
        return f"lib/{self.name}" if ".so" in self.name else f"src/{self.name}"


class Part(Noun, frozen=True, kw_only=True):
    """Files that an archive gives together or not at all."""

    name: Name
    files: list[File]


class Archive(Noun, frozen=True, kw_only=True):
    """One archive: the same bytes from each of `urls`. For an image, `urls` is its one name."""

    urls: Annotated[list[str], Meta(min_length=1)]
    kind: Kind
    gives: list[Name]
    sha256: Sha256 | None = None


class CudaSource(Noun, frozen=True, kw_only=True):
    """One route: the archives of one publisher."""

    name: Name
    title: str
    archives: list[Archive]
    #: Whether its authors have seen it work.
    verified: bool = False


class CudaParts(Noun, frozen=True, kw_only=True):
    """The content of docker/cuda.yaml."""

    version: str
    #: Libraries that come from the host's driver.
    driver: list[str]
    parts: list[Part]
    #: Distribution -> name of a library that it mentions -> why no workload needs it.
    optional: dict[str, dict[str, str]]
    routes: list[CudaSource]

    def file(self, name: str) -> File:
        """The file of this name. Raises UserError: stacks.yaml asks for something that cuda.yaml does not have."""
        for file in self.files():
            if file.name == name:
                return file
        raise UserError(f"docker/cuda.yaml has no part with the file {name}")

    def files(self, parts: Iterable[str] | None = None) -> list[File]:
        """The files of these parts, or of all."""
        return [file for part in self.parts if parts is None or part.name in parts for file in part.files]

    def chosen(self, names: Iterable[str]) -> list[CudaSource]:
        """The routes of these names, or all. Raises UserError for a name that is not there."""
        known = {route.name: route for route in self.routes}
        unknown = next((name for name in names if name not in known), None)
        if unknown:
            raise UserError(f"there is no CUDA route {unknown!r}", f"There are: {', '.join(known)}.")
        return [route for route in self.routes if route.name in set(names)] if names else self.routes


def load_cuda(docker_dir: Path) -> CudaParts:
    """Read and check docker/cuda.yaml. Raises UserError with the path of the bad value."""
    path = docker_dir / "cuda.yaml"
    parts = read_yaml(path, CudaParts)
    refuse_faults(path, faults(parts))
    return parts


def faults(declared: CudaParts) -> Iterator[str]:
    """What the types cannot check: names that point nowhere, and patterns that are none."""
    parts = {part.name for part in declared.parts}
    names = {file.name for file in declared.files()}
    for file in declared.files():
        for need in file.needs:
            if need not in names:
                yield f"$.parts: {file.name} needs {need}, which no part has"
        try:
            re.compile(file.holds)
        except re.error as error:
            yield f"$.parts: {file.name}.holds is no regular expression: {error}"
    for route in declared.routes:
        for part in {part for archive in route.archives for part in archive.gives} - parts:
            yield f"$.routes ({route.name}): there is no part {part!r}"
