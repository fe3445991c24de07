"""Saves images to one file for hosts without a network, checks such a file, and loads it.

The file is a compressed archive of `docker save` with one more member, `keras-orchestrate.json`: the images, and a hash
of every other member. `docker load` reads it as well, without the checks.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import __version__, ownership
from orchestrator.errors import HostError, UserError
from orchestrator.files import cache_folder, disk_errors, own_folder, replacing, sha256_stream
from orchestrator.host.docker_sdk import docker_sdk, explanation
from orchestrator.model import Noun, to_json
from orchestrator.stacks.images.archive_names import LONGEST, OURS, TELLING, Ambiguous, Headers, Members, images_in
from orchestrator.stacks.images.engine import ImageInfo, inspect
from orchestrator.stacks.streams import Chunks, Counted, Hashed
from orchestrator.text import one_line

#: Called with the bytes done so far and the bytes in all (None where nobody knows).
Progress = Callable[[int, int | None], None]

INDEX = "keras-orchestrate.json"
CHUNK = 2**20
#: Permissions of an archive: it is made to be carried to other hosts and users.
MODE = 0o644
#: Layers hold compressed wheels and machine code; higher levels take much longer for little.
LEVEL = 1
#: Seconds of silence after which the engine counts as hung; it writes large layers before it answers.
SILENCE_S = 1800


class Saved(Noun, frozen=True, kw_only=True):
    """One image in an archive."""

    name: str
    info: ImageInfo


class Index(Noun, frozen=True, kw_only=True):
    """The member `keras-orchestrate.json`. `members`: a sha256 for each file, the target for each link."""

    created: str
    orchestrator: str
    images: list[Saved]
    members: dict[str, str]


def save(client: Any, names: Sequence[str], path: Path, progress: Progress, force: bool = False) -> Index:
    """Write these images into one file, which appears whole or not at all.

    Raises UserError for a file that is there or an image that is not, HostError for a full disk or a lost engine.
    """
    if path.exists() and not force:
        raise UserError(f"{path} is there already", "Name another file, or add --force.")
    images = [Saved(name=name, info=present(client, name)) for name in names]
    total = sum(image.info.size_mb for image in images) * 10**6
    with engine_errors(f"save {', '.join(names)} to {path}"), replacing(path, MODE) as stream:
        source = Counted(Chunks(exported(client, names)), lambda done: progress(done, total))
        with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=LEVEL, mtime=0) as packed:
            return copy_archive(source, packed, images)


def present(client: Any, name: str) -> ImageInfo:
    """The image of that name. Raises UserError if the engine has none."""
    info = inspect(client, name)
    if info is None:
        raise UserError(f"the engine has no image {name}", "`orchestrate images list` shows what is there.")
    return info


def exported(client: Any, names: Sequence[str]) -> Iterator[bytes]:
    """The engine's own archive of several images at once; layers that they share are in it once."""
    api = client.api
    url = f"{api.base_url}/v{api.api_version}/images/get"
    with api.get(url, params={"names": list(names)}, stream=True, timeout=SILENCE_S) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(CHUNK)


def copy_archive(source: Any, target: Any, images: list[Saved]) -> Index:
    """The engine's archive with our index as its last member."""
    members: dict[str, str] = {}
    with (
        tarfile.open(fileobj=source, mode="r|") as reading,
        tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as writing,
    ):
        for member in reading:
            content = reading.extractfile(member) if member.isfile() else None
            hashed = Hashed(content) if content else None
            writing.addfile(member, hashed)  # type: ignore[arg-type]
            members |= {member.name: hashed.hexdigest()} if hashed else linked(member)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        index = Index(created=now, orchestrator=__version__, images=images, members=members)
        info = tarfile.TarInfo(INDEX)
        info.size = len(to_json(index))
        writing.addfile(info, io.BytesIO(to_json(index)))
    return index


def linked(member: tarfile.TarInfo) -> dict[str, str]:
    """The entry of a link in `Index.members`; empty for anything else that is no file."""
    return {member.name: f"-> {member.linkname}"} if member.issym() or member.islnk() else {}


@contextmanager
def unchanging(path: Path) -> Iterator[Path]:
    """The archive, for as long as it is checked and then loaded; a copy of it where others could change it between.

    Raises HostError where it is not there, or a copy cannot be made.
    """
    try:
        safe = not ownership.changeable(path)
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}", "Is it where it was?") from error
    if safe:
        yield path.resolve()
        return
    place = cache_folder() / "builds"
    own_folder(place)
    with disk_errors(place, "cache"):
        folder = tempfile.TemporaryDirectory(prefix="archive-", dir=place)
    with folder as own:
        copy = Path(own) / path.name
        with disk_errors(copy, "cache"):
            shutil.copyfile(path, copy)
        yield copy


def contents(path: Path, progress: Progress) -> Index:
    """Read an archive to its end and check every member. Raises UserError that says what is wrong with it."""
    total = path.stat().st_size
    try:
        with path.open("rb") as raw:
            counted: Any = Counted(raw, lambda done: progress(done, total))
            index, members, told = read_members(gzip.GzipFile(fileobj=counted))
    except Ambiguous as error:
        raise _no_archive_of_ours(path, error) from error
    except (OSError, EOFError, tarfile.TarError, zlib.error, msgspec.MsgspecError) as error:
        raise UserError(f"{path} is damaged or incomplete ({error})", "Copy it again and compare the sizes.") from error
    if index is None:
        raise UserError(f"{path} was not made by `orchestrate images save`", "For others there is `docker load`.")
    wrong = [name for name in {**members, **index.members} if members.get(name) != index.members.get(name)]
    if wrong:
        raise UserError(f"{path} is damaged: {wrong[0]} has another checksum", "Copy it again and compare the sizes.")
    try:
        _check_names(index, images_in(told, members))
    except Ambiguous as error:
        raise _no_archive_of_ours(path, error) from error
    return index


def _no_archive_of_ours(path: Path, error: Ambiguous) -> UserError:
    return UserError(
        f"{path} would give the engine other images than it says: {error}",
        "Do not load it, and ask whoever made it: `orchestrate images save` writes no such file.",
    )


def _check_names(index: Index, taken: Mapping[str, set[str]]) -> None:
    """Raises Ambiguous unless an engine takes exactly the images of the index, and all of them are ours."""
    names = [image.name for image in index.images]
    other = sorted({*names} ^ {*taken})
    if other:
        where = "its index does not" if other[0] in taken else "holds no such image"
        raise Ambiguous(f"it names {one_line(other[0])}, and {where}")
    foreign = next((name for name in names if not name.startswith(OURS)), None)
    if foreign or len({*names}) != len(names):
        raise Ambiguous(f"{one_line(foreign or names[0])} is no name of ours, or is there twice")
    for image in index.images:
        if image.info.id not in taken[image.name]:
            raise Ambiguous(f"{image.name} is another image than its index says")


def read_members(stream: gzip.GzipFile) -> tuple[Index | None, dict[str, str], dict[str, bytes]]:
    """The index of an archive, `Index.members` as they really are, and what engines take the names from.

    Raises Ambiguous for members that an engine could read in another way.
    """
    index: Index | None = None
    members: dict[str, str] = {}
    told: dict[str, bytes] = {}
    names, source = Members(), Headers(stream)
    with tarfile.open(fileobj=source, mode="r|") as archive:  # type: ignore[call-overload]
        for member in source.bounded(archive):
            names.meet(member)
            content = archive.extractfile(member) if member.isfile() else None
            if content and member.name == INDEX:
                index = msgspec.json.decode(content.read(LONGEST), type=Index)
            elif content and member.name in TELLING:
                told[member.name] = content.read()
                members[member.name] = hashlib.sha256(told[member.name]).hexdigest()
            else:
                members |= {member.name: sha256_stream(content)[0]} if content else linked(member)
    while stream.read(CHUNK):  # to the very end, where gzip has a checksum of its own
        pass
    return index, members, told


def load(client: Any, path: Path, index: Index, progress: Progress, force: bool = False) -> list[str]:
    """Give the engine the images of an archive whose `contents` were checked; gives the names that are new there.

    Raises UserError where the engine has another image of that name, HostError where it takes none.
    """
    missing = []
    for image in index.images:
        there = inspect(client, image.name)
        if there is None or not same(there, image.info):
            missing.append(image.name)
        if there and image.name in missing and not force:
            raise UserError(
                f"the engine has another {image.name}, made {there.created[:19]}; that of the archive was made "
                f"{image.info.created[:19]}",
                "Add --force to replace it.",
            )
    if not missing:
        return []
    total = path.stat().st_size
    with engine_errors(f"load {path}"), path.open("rb") as stream:
        client.images.load(pieces(Counted(stream, lambda done: progress(done, total))))
    for image in index.images:
        taken = inspect(client, image.name)
        if taken is None:
            raise HostError(f"the engine took {path} and then did not have {image.name}")
        if not same(taken, image.info):
            raise HostError(
                f"the engine took {path} and then had another {image.name} than it names",
                "`orchestrate build` makes it.",
            )
    return missing


def same(there: ImageInfo, saved: ImageInfo) -> bool:
    """Whether two images are the same one; engines that store images differently give it different ids."""
    made = (there.created, there.dockerfile_sha256) == (saved.created, saved.dockerfile_sha256)
    return there.id == saved.id or (made and there.dockerfile_sha256 is not None)


def pieces(stream: Any) -> Iterable[bytes]:
    """All that is left of a stream, in pieces."""
    while data := stream.read(CHUNK):
        yield data


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turns a full disk, a lost engine and a damaged archive into a HostError: "could not `what`: reason"."""
    try:
        yield
    except docker_sdk().errors.DockerException as error:
        full = "no space left" in str(error).lower()
        hint = "The engine's disk is full: `docker system df`." if full else "Does `docker version` still answer?"
        raise HostError(f"could not {what}: {explanation(error)}", hint) from error
    except (OSError, tarfile.TarError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HostError(f"could not {what}: {reason}", "Is there space, and is the engine still running?") from error
