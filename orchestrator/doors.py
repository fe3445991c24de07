"""The one way to what lies below a run, a merged set or a job's folder: step by step, and through no link.

Such a folder may have come from anybody. A link in it would let us read, overwrite or remove what lies elsewhere, and
a FIFO or a device would hold us up for ever. So each folder on the way is opened without following a link, and only
plain files of a bounded size are read. Links above a run are the user's own: `own` resolves them where a path comes in.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from orchestrator.errors import UserError

T = TypeVar("T")
#: Bytes of what is read whole: a record (plan, result, manifest, order ...), the readings of a job, the end of a log.
RECORD_LIMIT, READINGS_LIMIT, TAIL_LIMIT = 2**26, 2**29, 2**14
#: Values of one record. In memory each may cost a hundred times the bytes that it is in the file.
MOST_VALUES = 4_000_000
#: Folders within folders; a run has four.
DEPTH_LIMIT = 32
HINT = "a run or set holds plain files and folders only; get it again as it was recorded, or remove what is named"
#: What msgspec raises for a file that is no record.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}


class Refused(UserError):
    """Something that no run holds: a link, a FIFO, a device, a socket; a file for a folder, or a folder for a file."""


def own(path: Path) -> Path:
    """The same place by a path without links: those on the way to a run are its user's own, and end here."""
    real = os.path.realpath(path)
    return path if real == os.path.abspath(path) else Path(real)  # noqa: PTH100 (what resolve() would undo)


@contextmanager
def folder(path: Path, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder for names in it (`dir_fd`); with `make`, folders that are not there are made.

    Raises Refused, FileNotFoundError, OSError.
    """
    descriptor = _entered(path, make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _entered(path: Path, make: bool) -> int:
    begin = "/" if path.is_absolute() else "."
    here, at = Path(begin), os.open(begin, _STEP)
    try:
        for part in path.parts[path.is_absolute() :]:
            here /= part
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=at)
            at = _step(here, part, at)
    except BaseException:
        os.close(at)
        raise
    return at


def _step(here: Path, part: str, at: int) -> int:
    """The next folder on the way; the one before is closed."""
    try:
        inner = os.open(part, _STEP, dir_fd=at)
    except NotADirectoryError:
        raise _refused(here, os.lstat(part, dir_fd=at).st_mode, "no folder") from None
    except OSError as error:
        error.filename = str(here)
        raise
    os.close(at)
    return inner


def _refused(path: Path, mode: int, otherwise: str) -> Refused:
    return Refused(f"{path} is {_KINDS.get(stat.S_IFMT(mode), 'something odd')}, and {otherwise}", HINT)


def open_folder(path: Path) -> int:
    """An open folder, to be listed, locked or synced. Raises Refused, OSError."""
    with folder(path) as at:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)


def open_file(path: Path) -> int:
    """A plain file, open for reading. Raises Refused, FileNotFoundError, OSError."""
    with folder(path.parent) as at:
        mode = _mode(path, at)
        if not stat.S_ISREG(mode):  # looked at first, as opening a device may do something
            raise _refused(path, mode, "no plain file")
        try:
            descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
        except OSError as error:
            error.filename = str(path)
            raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise _refused(path, mode, "no plain file")


def _mode(path: Path, at: int) -> int:
    try:
        return os.lstat(path.name, dir_fd=at).st_mode
    except OSError as error:
        error.filename = str(path)
        raise


def read(path: Path, limit: int = RECORD_LIMIT) -> bytes:
    """The content of a plain file. Raises Refused, UserError for one that is too large, FileNotFoundError, OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        content = b"" if os.fstat(file.fileno()).st_size > limit else file.read(limit + 1)
        if os.fstat(file.fileno()).st_size > limit or len(content) > limit:
            raise UserError(f"{path} is larger than {limit / 2**20:g} MiB, which no file of its kind is", HINT)
        return content


def read_json(path: Path, most: int = MOST_VALUES) -> bytes:
    """The text of a JSON file, which may be decoded: it holds no more than `most` values. Raises as `read` does."""
    content = read(path)
    if values_in(content) > most:
        raise UserError(f"{path} holds more than {most:,} values, which no file of its kind does", HINT)
    return content


def values_in(content: bytes) -> int:
    """No fewer values than JSON holds, without decoding it."""
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def tail(path: Path, size: int = TAIL_LIMIT) -> list[str]:
    """The last lines of a plain file, as many as its last `size` bytes hold. Raises Refused, OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - size))
        return file.read(size).decode("utf-8", "replace").splitlines()


def read_record(path: Path, kind: type[T]) -> T | None:
    """The record in a JSON file; None for one that is not there, or not whole. Raises Refused, UserError."""
    with contextlib.suppress(OSError, *UNREADABLE):
        return msgspec.json.decode(read_json(path), type=kind)
    return None


def kind_of(path: Path) -> Literal["file", "folder"] | None:
    """What is there, if anything. Raises Refused for what no run holds, and OSError where it cannot be seen."""
    try:
        with folder(path.parent) as at:
            mode = _mode(path, at)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    raise _refused(path, mode, "no file or folder")


def names(path: Path) -> list[str]:
    """The names in a folder, in order; none where there is no folder. Raises Refused, OSError."""
    try:
        descriptor = open_folder(path)
    except FileNotFoundError:
        return []
    try:
        return sorted(os.listdir(descriptor))  # noqa: PTH208 (an open folder, which has no path)
    finally:
        os.close(descriptor)


def create(path: Path) -> int:
    """A new file, open for writing and reading. What had its name before, a link too, is removed and not written to.

    A device is never removed: it is no run's. Raises Refused, OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with folder(path.parent) as at:
        with contextlib.suppress(FileNotFoundError):
            mode = _mode(path, at)
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                raise _refused(path, mode, "no file of a run")
            os.unlink(path.name, dir_fd=at)
        return os.open(path.name, flags, 0o666, dir_fd=at)


def create_once(path: Path, content: bytes = b"") -> bool:
    """Makes a file that must be made once only; whether it was not there before. Raises Refused, OSError."""
    with folder(path.parent) as at:
        try:
            descriptor = os.open(path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=at)
        except FileExistsError:
            return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return True


def make(path: Path) -> None:
    """Makes a folder, and those above it. Raises Refused, OSError."""
    with folder(path, make=True):
        pass


def remove(path: Path) -> None:
    """Removes a file, if it is there. Raises Refused, OSError."""
    with contextlib.suppress(FileNotFoundError), folder(path.parent) as at:
        os.unlink(path.name, dir_fd=at)


def move(path: Path, to: Path) -> None:
    """Gives a file or folder another place. Raises Refused, OSError."""
    with folder(path.parent) as at, folder(to.parent) as there:
        os.replace(path.name, to.name, src_dir_fd=at, dst_dir_fd=there)


def temporary(name: str) -> str:
    """A name for what is written before it becomes `name`. Nobody can tell it before, and `clean` knows it again."""
    return f".{name}.{os.urandom(8).hex()}.tmp"


def look_through(top: Path, spared: str = "") -> None:
    """Raises Refused for the first thing below `top` that is neither file nor folder. What it names is not opened.

    `spared`: name of the folders below `top`/jobs that jobs write to. What they leave there is never read as a record.
    """
    descriptor = open_folder(top)
    try:
        _look(top, top, descriptor, spared, 0)
    finally:
        os.close(descriptor)


def _look(top: Path, here: Path, descriptor: int, spared: str, depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise Refused(f"{here} lies deeper than anything in a run", HINT)
    with os.scandir(descriptor) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_file(follow_symlinks=False):
            continue
        path = here / entry.name
        if not entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):
                raise _refused(path, os.lstat(entry.name, dir_fd=descriptor).st_mode, "no file or folder")
            continue
        if entry.name == spared and top / "jobs" in path.parents:
            continue
        try:
            inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        except FileNotFoundError:  # a run that goes on removes what it no longer needs
            continue
        except OSError as error:
            error.filename = str(path)
            raise
        try:
            _look(top, path, inner, spared, depth + 1)
        finally:
            os.close(inner)
