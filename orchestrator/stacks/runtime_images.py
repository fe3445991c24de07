"""Looks for images in container runtimes other than the Docker engine, and gives them images."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from orchestrator import ownership
from orchestrator.errors import HostError
from orchestrator.files import cache_folder, cached_record, own_folder, write_atomic
from orchestrator.launchers.command_line import other_argv
from orchestrator.launchers.runtimes import Runtime
from orchestrator.model import Noun, to_json
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import engine
from orchestrator.stacks.images.engine import ImageInfo
from orchestrator.text import one_line

#: Seconds for a command that looks for an image, and for one that takes an image in.
SHOW_S, TAKE_S = 60, 3600
#: Characters of a failed command's output that an error quotes.
TAIL = 400


class Held(Noun, frozen=True, kw_only=True):
    """An image that a runtime has. `file` is its path, for runtimes whose images are files."""

    info: ImageInfo
    file: str | None = None


class Made(Noun, frozen=True, kw_only=True):
    """Beside an image that is a file: what it is, and the size and time that show whether it was changed since."""

    info: ImageInfo
    size: int
    mtime_ns: int


def image_folder(runtime: Runtime) -> Path:
    """The folder of a runtime's images, if they are files."""
    return cache_folder() / "images" / runtime.name


def find(runtime: Runtime, name: str, folder: Path) -> Held | None:
    """The runtime's image of that name. Raises HostError where the runtime does not answer."""
    if runtime.images.store == "files":
        return _in_file(runtime, name, folder)
    answer = _run(runtime, other_argv(runtime, runtime.images.show, image=name), SHOW_S)
    if answer.returncode != 0:
        if b"no such image" in answer.stderr.lower() or b"image not known" in answer.stderr.lower():
            return None
        raise _refusal(runtime, f"look for {name}", answer)
    return Held(info=_described(runtime, name, answer.stdout))


def _described(runtime: Runtime, name: str, text: bytes) -> ImageInfo:
    """What a runtime says of an image. Raises HostError where that is no answer."""
    try:
        info = engine.info_of(json.loads(text)[0])
        info = msgspec.structs.replace(info, id=f"sha256:{info.id.removeprefix('sha256:')}")
        return msgspec.convert(msgspec.to_builtins(info), ImageInfo)
    except (ValueError, OverflowError, LookupError, TypeError, AttributeError, RecursionError) as error:
        said = one_line(text[:TAIL].decode("utf-8", "replace")) or "nothing"
        raise HostError(
            f"{runtime.name}: what it says of {name} is no description of an image: {said}",
            "is this the program of a container runtime? docs/RUNTIMES.md has what `images.show` must print",
        ) from error


def put_from_engine(runtime: Runtime, client: Any, name: str, info: ImageInfo, folder: Path) -> None:
    """Gives the runtime an image of the Docker engine. Raises HostError."""
    with image_archive.engine_errors(f"give {name} to {runtime.name}"):
        if runtime.images.store == "engine":
            _put_stream(runtime, name, image_archive.exported(client, [name]))
            return
        if not _takes_archives(runtime):
            _make_file(runtime, name, info, "", folder)
            return
        with _written(image_archive.exported(client, [name])) as archive:
            _make_file(runtime, name, info, archive, folder)


def put_from_archive(runtime: Runtime, archive: Path, found: list[image_archive.Saved], folder: Path) -> None:
    """Gives the runtime the images of a file that `orchestrate images save` wrote. Raises HostError."""
    if runtime.images.store == "files" and not _takes_archives(runtime):
        raise HostError(f"{runtime.name} takes no archives", "its images are made from those of a Docker engine")
    with gzip.open(archive, "rb") as unpacked:  # podman takes no packed one from its input
        chunks = image_archive.pieces(unpacked)
        if runtime.images.store == "engine":
            _put_stream(runtime, str(archive), chunks)
            return
        with _written(chunks) as plain:
            for image in found:
                _make_file(runtime, image.name, image.info, plain, folder)


def _in_file(runtime: Runtime, name: str, folder: Path) -> Held | None:
    file = folder / (_safe(name) + runtime.images.suffix)
    made = cached_record(file.with_name(file.name + ".json"), Made)
    try:
        status = file.lstat()
    except FileNotFoundError:
        return None
    _refuse_others(file)
    same = made and (made.size, made.mtime_ns) == (status.st_size, status.st_mtime_ns)
    return Held(info=made.info, file=str(file)) if made and same else None


def _refuse_others(file: Path) -> None:
    """Raises HostError for the file of an image that others could have made."""
    found = ownership.trouble(file)
    if found:
        raise HostError(f"an image that cannot be believed: {found}", "Remove it, and it is made again.")


def _make_file(runtime: Runtime, name: str, info: ImageInfo, archive: str, folder: Path) -> None:
    """Makes the file of an image, whole or not at all, and a JSON file beside it with what is known of the image."""
    own_folder(folder)
    file = folder / (_safe(name) + runtime.images.suffix)
    half = file.with_name(f".{os.getpid()}.{file.name}")
    try:
        argv = other_argv(runtime, runtime.images.put, image=name, file=str(half), archive=archive)
        answer = _run(runtime, argv, TAKE_S)
        if answer.returncode != 0 or not half.is_file():
            raise _refusal(runtime, f"make an image of {name}", answer)
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    status = file.stat()
    made = Made(info=info, size=status.st_size, mtime_ns=status.st_mtime_ns)
    write_atomic(file.with_name(file.name + ".json"), to_json(made), "cache")


@contextlib.contextmanager
def _written(chunks: Iterable[bytes]) -> Iterator[str]:
    """The path of a temporary file with the archive, for runtimes that read a file."""
    with tempfile.NamedTemporaryFile(prefix="keras-orchestrate-", suffix=".tar") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        yield file.name


def _put_stream(runtime: Runtime, what: str, chunks: Iterable[bytes]) -> None:
    """Gives an archive to a runtime that reads it from its standard input. Raises HostError."""
    with tempfile.TemporaryFile() as output:
        process = _start(runtime, other_argv(runtime, runtime.images.put), output)
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it says why it stopped reading
                for chunk in chunks:
                    process.stdin.write(chunk)
                process.stdin.close()
            code = process.wait(TAKE_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        output.seek(0)
        if code != 0:
            raise _refusal(runtime, f"take {what}", subprocess.CompletedProcess([], code, b"", output.read()))


def _start(runtime: Runtime, argv: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
    except OSError as error:
        raise _not_started(runtime, argv, error) from error


def _run(runtime: Runtime, argv: list[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    except OSError as error:
        raise _not_started(runtime, argv, error) from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{argv[0]} did not end within {seconds:.0f} s") from error


def _not_started(runtime: Runtime, argv: list[str], error: OSError) -> HostError:
    return HostError(f"{runtime.name}: cannot start {argv[0]}: {error.strerror}", runtime.install)


def _refusal(runtime: Runtime, what: str, answer: subprocess.CompletedProcess[bytes]) -> HostError:
    said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()[-TAIL:]
    return HostError(f"{runtime.name} could not {what} (exit code {answer.returncode}): {said or 'it said nothing'}")


def _takes_archives(runtime: Runtime) -> bool:
    return any("{archive}" in argument for argument in runtime.images.put)


def _safe(name: str) -> str:
    """An image's name as a file's name."""
    return re.sub(r"[/:]", "_", name)
