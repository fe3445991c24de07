"""Files and folders: atomic writes, disk errors, locks, hashes, removal of untrusted trees, YAML, the cache folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import msgspec
import msgspec.inspect

from orchestrator import doors, ownership, yaml_faults
from orchestrator.errors import HostError, UserError

T = TypeVar("T")
#: The folder of the package `orchestrator`, with the data files that ship with it.
PACKAGE = Path(__file__).resolve().parent
#: What a path belongs to, and so which setting moves it: the results (--out) or the user's cache (XDG_CACHE_HOME).
Place = Literal["results", "cache"]
_PIECE = 1 << 20


def cache_folder() -> Path:
    """The user's cache folder of this project: $XDG_CACHE_HOME or ~/.cache, keras-orchestrate.

    What lies there is started and believed. Raises HostError where neither says a place that could be used and
    recorded, or another user could have put something there.
    """
    top = _cache_top()
    with contextlib.suppress(OSError):  # not there yet, or no folder: whoever uses it says so
        _refuse_others((os.path.lexists(top) and ownership.trouble(top)) or ownership.above(top))
    return top


def own_folder(folder: Path, mode: int = ownership.MODE) -> None:
    """Makes a folder. From the cache's own folder downwards each must be the caller's alone. Raises HostError."""
    top = _cache_top()
    with disk_errors(folder, "cache"):
        if not folder.is_relative_to(top):
            folder.mkdir(parents=True, exist_ok=True)
            return
        _refuse_others(ownership.make(top, folder, mode) or ownership.above(top))


def _cache_top() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    return (_settled("XDG_CACHE_HOME", named) if named else home_folder() / ".cache") / "keras-orchestrate"


def _refuse_others(found: str) -> None:
    """Raises HostError for what `ownership` found in the cache."""
    if found:
        raise HostError(
            f"the cache cannot be believed: {found}",
            "Choose one of your own with XDG_CACHE_HOME=DIR, or remove what is there; if you trust it, make it yours "
            "(chown, chmod go-w).",
        )


def state_folder() -> Path:
    """Where this user's own key lies: $XDG_STATE_HOME or ~/.local/state, keras-orchestrate.

    Not the cache, which may be thrown away. Raises HostError as `cache_folder` does.
    """
    named = os.environ.get("XDG_STATE_HOME")
    if named:
        return _settled("XDG_STATE_HOME", named) / "keras-orchestrate"
    return home_folder() / ".local" / "state" / "keras-orchestrate"


def home_folder() -> Path:
    """The user's home: $HOME, else what the system's list of users says. Raises HostError where there is none."""
    named = os.environ.get("HOME")
    if named:
        return _settled("HOME", named)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError as error:
        raise HostError("this user has no home folder: HOME is not set", "Set HOME, or XDG_CACHE_HOME=DIR.") from error


def expanded(path: str) -> Path:
    """A path that may begin with `~`. Raises HostError where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise HostError(f"{path}: {error}", "Write the whole path.") from error


def holds_home(folder: Path) -> bool:
    """Whether all of the caller's home lies in a folder: keys, other runs, perhaps the engine's socket."""
    return home_folder().resolve().is_relative_to(folder.resolve())


def is_python(name: str) -> bool:
    """Whether a word of the command line or a configuration names a file of Python."""
    return name.endswith(".py")


def is_yaml(name: str) -> bool:
    """Whether a word of the command line or a configuration names a file of YAML."""
    return name.endswith((".yaml", ".yml"))


def is_text(name: str) -> bool:
    """Whether a name can be written in UTF-8, as all records are. One that Linux took from other bytes cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _settled(variable: str, folder: str) -> Path:
    """A folder that a variable names: the same from wherever it is looked at, and fit for records."""
    if not folder.startswith("/"):
        raise HostError(f"{variable} is {folder!r}, which is no absolute path", f"Set {variable}=/... or unset it.")
    if not is_text(folder):
        raise HostError(f"{variable} is {folder!r}, which is no text in UTF-8", f"Set another {variable}.")
    return Path(folder)


# Writing


@contextmanager
def replacing(path: Path, mode: int | None = None, place: Place = "cache") -> Iterator[IO[bytes]]:
    """A stream whose content becomes `path` in one step when the block ends well, and vanishes otherwise.

    After a crash `path` is the old file or the new one, whole. `mode` replaces the permissions that the umask gives:
    for data that a job reads as another user. Among results no link is followed, in the cache those of its user are.
    Raises OSError, and doors.Refused for results.
    """
    if place == "cache":
        path.parent.mkdir(parents=True, exist_ok=True)
        path = doors.own(path.parent) / path.name
    with doors.folder(path.parent, make=True) as at:
        temporary = doors.temporary(path.name)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o666, dir_fd=at), "wb") as stream:
                if mode is not None:
                    os.fchmod(stream.fileno(), mode)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path.name, src_dir_fd=at, dst_dir_fd=at)
            sync(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=at)
            raise


def write_atomic(path: Path, data: bytes, place: Place = "results") -> None:
    """Replaces the content of `path` in one step. Raises HostError (see `storage_error` for `place`), doors.Refused."""
    if place == "cache":
        own_folder(path.parent)
    with disk_errors(path, place), replacing(path, place=place) as stream:
        stream.write(data)


def storage_error(path: Path, error: OSError, place: Place = "results") -> HostError:
    """The error for people when `path` cannot be written; its hint names the setting that moves `place`."""
    if place == "cache":
        hint = "Free some space, or choose another cache with XDG_CACHE_HOME=DIR."
        return HostError(f"cannot write {path}: {error.strerror or error}", hint)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HostError(f"disk full while writing {path}", "free space; what was written before is intact")
    if error.errno == errno.EFBIG:
        return HostError(f"cannot write {path}: {error.strerror}", "raise the limit of a file's size (ulimit -f)")
    return HostError(f"cannot write {path}: {error.strerror}", "choose a folder you can write to with --out")


@contextmanager
def disk_errors(path: Path, place: Place = "results") -> Iterator[None]:
    """Turns an OSError of the block (a full, read-only or forbidden disk) into `storage_error`."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error, place) from error


def check_writable(folder: Path) -> None:
    """Raises HostError now rather than after an hour of building."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = doors.own(folder) / doors.temporary("probe")
        os.close(doors.create(probe))
        doors.remove(probe)


def is_full(folder: Path) -> bool:
    """Whether there is no room left even for a page of text."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < 16384


def sync(path: Path) -> None:
    """Waits until a file's content, or a folder's list of names, is on the disk (fsync). Follows no link."""
    descriptor = doors.open_file(path) if doors.kind_of(path) == "file" else doors.open_folder(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_to_disk() -> None:
    """Flushes dirty pages (sync(2)), so that writing back a fresh image does not slow down the first job."""
    os.sync()


def remove_tree(top: Path) -> None:
    """Removes a folder whatever is in it: links are removed, not followed; depth and modes do not matter.

    Links on the way to it are followed by nobody: see `doors.own`. Raises doors.Refused, and OSError for what the disk
    refuses.
    """
    with doors.folder(top.parent) as at:
        if not stat.S_ISDIR(os.lstat(top.name, dir_fd=at).st_mode):
            os.unlink(top.name, dir_fd=at)
            return
        waiting = [top.name]
        while waiting:
            name = waiting.pop()
            waiting += _emptied(name, at, top.name)
            os.rmdir(name, dir_fd=at)


def _emptied(name: str, at: int, top: str) -> list[str]:
    """Empties a folder; the folders in it are moved up beside it, so that no way grows too long: their new names."""
    folder, raised = _opened_whatever_its_mode(name, at), []
    try:
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                os.close(_opened_whatever_its_mode(entry.name, folder))  # only who may write to it can move it
                raised.append(doors.temporary(top))
                os.rename(entry.name, raised[-1], src_dir_fd=folder, dst_dir_fd=at)
            else:
                os.unlink(entry.name, dir_fd=folder)
    finally:
        os.close(folder)
    return raised


def _opened_whatever_its_mode(name: str, at: int) -> int:
    """The folder of this name, open to be listed, and ours to change from now on. A link is not followed."""
    step = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        os.chmod(f"/proc/self/fd/{step}", 0o700)  # noqa: PTH101 (the folder that is open, not one of that name)
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=step)
    finally:
        os.close(step)


# Locks: all are flocks, which the kernel drops when their holder ends, however it ends.


def try_lock(descriptor: int, shared: bool = False) -> bool:
    """Locks an open file or folder if nobody else has it; whether it did. Closing the descriptor unlocks."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(descriptor: int, busy: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds the lock of an open file or folder for the block, and closes it at the end.

    If another process has it, `busy` is called once: it returns, to wait for the lock, or raises, to refuse.
    """
    try:
        if not try_lock(descriptor):
            if busy:
                busy()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def cache_locked(path: Path, busy: Callable[[], None] | None = None) -> Iterator[None]:
    """Only one process at a time makes `path`, a file or folder in the cache; `busy` as for `locked`.

    The lock is a file beside it, because `path` itself comes and goes. Raises HostError.
    """
    own_folder(path.parent)
    with disk_errors(path, "cache"):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    with locked(descriptor, busy):
        yield


# Reading


def sha256_stream(stream: IO[bytes]) -> tuple[str, int]:
    """Hex sha256 and number of the bytes that are left in a stream, read in pieces."""
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def sha256_file(path: Path) -> str:
    """Hex sha256 of the file's bytes."""
    with path.open("rb") as stream:
        return sha256_stream(stream)[0]


def cached_record(path: Path, kind: type[T]) -> T | None:
    """The record in a JSON file of the cache; None for one that is not there, or not whole."""
    with contextlib.suppress(OSError, doors.Refused):
        return doors.read_record(doors.own(path), kind)
    return None


def cached_records(path: Path, kind: type[T]) -> dict[str, T]:
    """The records by name in a JSON file of the cache; none where there is no file. A damaged one is a HostError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, kind])  # type: ignore[valid-type]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise HostError(f"cannot read {path}: {error}", f"Remove it: rm {path}") from error


def decode_yaml(text: bytes, source: str, shape: type[T], hint: Callable[[str], str] = lambda _: "") -> T:
    """Decodes YAML strictly. Raises UserError that names `source` and the path of the bad value.

    `hint` gives the hint for that error from its message.
    """
    refuse_faults(source, yaml_faults.faults(text), "Correct the file there.")
    try:
        return msgspec.yaml.decode(text, type=shape)
    except msgspec.ValidationError as error:
        raise UserError(f"{source}: {error}{allowed(str(error), shape)}", hint(str(error))) from error
    except (msgspec.DecodeError, ValueError) as error:  # ValueError: also of a date that does not exist
        raise UserError(f"{source} is not YAML: {' '.join(str(error).split())}") from error


def allowed(message: str, shape: Any) -> str:
    """The values that there are, for a message about one that is none of them: msgspec names only the bad one."""
    where = re.search(r"Invalid enum value .* - at `\$(.*)`", message)
    if where is None:
        return ""
    kinds = [msgspec.inspect.type_info(shape)]
    for step in re.findall(r"\.(\w+)|\[([^\]]*)\]", where[1]):
        kinds = [found for kind in kinds for found in _inside(kind, step[0])]
    values = [str(value) for kind in kinds for value in getattr(kind, "values", ())]
    return f"; there are: {', '.join(values)}" if values else ""


def _inside(kind: Any, field: str) -> list[Any]:
    """The types of a field (or, with "", of the items or values) of a type, each alternative of a union by itself."""
    if field:
        found = [each.type for each in getattr(kind, "fields", ()) if each.encode_name == field]
    else:
        found = [getattr(kind, name) for name in ("item_type", "value_type") if hasattr(kind, name)]
    return [inner for each in found for inner in getattr(each, "types", (each,))]


def read_yaml(path: Path, shape: type[T], hint: Callable[[str], str] = lambda _: "") -> T:
    """Decodes one YAML file strictly. Raises UserError that names the file and the path of the bad value."""
    return decode_yaml(
        read_bytes(path), str(path), shape, lambda message: hint(message) or "Correct the value at that path."
    )


def read_bytes(path: Path) -> bytes:
    """The content of a file that the user names. Raises UserError, also for one that is too large to be meant."""
    try:
        with path.open("rb") as stream:
            content = stream.read(doors.RECORD_LIMIT + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > doors.RECORD_LIMIT:
        raise UserError(f"{path} is larger than {doors.RECORD_LIMIT >> 20} MiB", "name another file")
    return content


def read_text(path: Path) -> str:
    """The text of a file in UTF-8. Raises UserError."""
    return read_bytes(path).decode("utf-8")


def refuse_faults(source: Path | str, faults: Iterator[str], hint: str = "Correct the value at that path.") -> None:
    """Raises UserError for the first of the faults that were found in `source`."""
    fault = next(faults, None)
    if fault:
        raise UserError(f"{source}: {fault}", hint)


def last_line(log: Path) -> str:
    """The last non-empty line of a log, or "": what a person would look at first."""
    try:
        lines = doors.tail(log, 8192)
    except (OSError, doors.Refused):
        return ""
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
