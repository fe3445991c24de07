"""Takes single files out of untrusted archives: tar archives, Debian packages, file systems of images.

Nothing is ever written under a name that an archive chose, links are followed only inside the archive, and every
file is checked for what it says it is.
"""

from __future__ import annotations

import lzma
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from orchestrator.data.contents import BadArchive
from orchestrator.files import disk_errors
from orchestrator.stacks.cuda.declared import File
from orchestrator.stacks.cuda.elf import NotALibrary, check_soname

#: What reading a damaged archive raises.
DAMAGE = (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError)
#: Bytes; the largest library of CUDA 8 has a tenth of it.
LARGEST = 2**30
AR_MAGIC, AR_HEADER = b"!<arch>\n", 60
#: Links that are followed one after another.
LINKS = 8


def take(path: Path, kind: str, files: Iterable[File], folder: Path) -> dict[str, Path]:
    """Copy those of `files` that an archive on disk holds into `folder`; gives the copies by name.

    Raises BadArchive for damage, for a member or link that points outside, and for a file that is not what its
    name says.
    """
    try:
        with path.open("rb") as stream:
            data = debian_data(stream) if kind == "deb" else stream
            with tarfile.open(fileobj=data, mode="r|*") as tar:
                return take_members(tar, list(files), folder, rooted=False)
    except DAMAGE as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive(f"damaged, or of an unknown kind ({error or type(error).__name__})") from error


def take_exported(stream: Any, files: Iterable[File], folder: Path) -> dict[str, Path]:
    """The same from the tar stream of a container's file system, where links start at its root."""
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        return take_members(tar, list(files), folder, rooted=True)


def debian_data(stream: IO[bytes]) -> IO[bytes]:
    """The stream, moved to where the data archive of a Debian package begins."""
    if stream.read(len(AR_MAGIC)) != AR_MAGIC:
        raise BadArchive("not a Debian package")
    while len(header := stream.read(AR_HEADER)) == AR_HEADER:
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        if name.startswith("data.tar"):
            return stream
        if size < 0:
            break
        stream.seek(size + size % 2, 1)
    raise BadArchive("a Debian package without data.tar")


def take_members(tar: tarfile.TarFile, files: list[File], folder: Path, rooted: bool) -> dict[str, Path]:
    """One pass over the archive: regular files of the right names are copied, links noted and followed at the end."""
    copies: dict[str, Path] = {}
    links: dict[str, str] = {}
    for number, member in enumerate(tar):
        place = inside(member.name, member.name)
        if "stubs" in PurePosixPath(place).parts or not any(is_called(place, file) for file in files):
            continue
        if member.isfile():
            copies[place] = copy(tar, member, folder / f"{number}.part")
        elif member.issym() or member.islnk():
            links[place] = link_target(member, place, rooted)
    found = {file.name: first_of(file, copies, links) for file in files}
    taken = {name: path for name, path in found.items() if path}
    for file in files:
        if file.name in taken:
            check(file, taken[file.name])
    return taken


def inside(place: str, member: str) -> str:
    """The place without dots. Raises BadArchive where it lies outside of the archive."""
    clean = posixpath.normpath(place)
    if clean.startswith(("/", "..")):
        raise BadArchive(f"the member {member!r} points outside of the archive")
    return clean


def link_target(member: tarfile.TarInfo, place: str, rooted: bool) -> str:
    """Where a link leads: a hard link from the archive's root, a symbolic one from its own folder."""
    target = member.linkname
    if target.startswith("/") and rooted:
        return posixpath.normpath(target).lstrip("/")
    if member.issym():
        target = posixpath.join(posixpath.dirname(place), target)
    return inside(target, f"{member.name} -> {member.linkname}")


def is_called(place: str, file: File) -> bool:
    """Whether the last part of a path may be this file, or what a link of its name leads to."""
    name = posixpath.basename(place)
    return name in (file.name, *file.also) or (".so" in file.name and name.startswith(f"{file.name}."))


def first_of(file: File, copies: dict[str, Path], links: dict[str, str]) -> Path | None:
    """The copy of the first member with one of the file's names, whether it is a link or not."""
    for place in [place for place in (*copies, *links) if posixpath.basename(place) in (file.name, *file.also)]:
        for _ in range(LINKS):
            if place in copies:
                return copies[place]
            place = links.get(place, "")
    return None


def copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> Path:
    """The content of one member in a file of our own naming."""
    if member.size > LARGEST:
        raise BadArchive(f"the member {member.name!r} is implausibly large ({member.size / 1e9:.1f} GB)")
    source = tar.extractfile(member)
    assert source is not None, "a regular file has content"
    with writing(target) as out:
        while chunk := source.read(2**20):
            with disk_errors(target, "cache"):
                out.write(chunk)
    return target


@contextmanager
def writing(target: Path) -> Iterator[IO[bytes]]:
    """The new file `target`. Raises HostError if it cannot be made."""
    with disk_errors(target, "cache"):
        stream = target.open("wb")
    with stream:
        yield stream


def check(file: File, path: Path) -> None:
    """Raises BadArchive unless the file is what its name says: the soname of a library, the text of a header."""
    if ".so" in file.name:
        try:
            check_soname(path, file.name)
        except NotALibrary as reason:
            raise BadArchive(f"{file.name} is not what it should be: {reason}") from reason
    elif not re.search(file.holds, path.read_bytes().decode("utf-8", "replace")):
        raise BadArchive(f"{file.name} is of another version: it lacks {file.holds}")
