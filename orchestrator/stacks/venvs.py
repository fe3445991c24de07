"""Makes the virtual environments of stacks, from the same locks as the images.

An environment is made beside its final place and moved there in one step, under a lock: two runs never meet in
a half-built one, and one that was cut off is never used. Its name holds the hash of its lock.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator import extras, ownership
from orchestrator.errors import HostError
from orchestrator.files import cache_folder, cache_locked, sha256_file
from orchestrator.model import DeviceKind, Noun, Say, Stack
from orchestrator.stacks import indexes, stamps, tools
from orchestrator.stacks.indexes import Sources
from orchestrator.stacks.locks import lock_file, locked_wheels
from orchestrator.stacks.uv_program import uv_program
from orchestrator.text import public

#: Where a Python is started that imports what lies in its folder: it must not be the caller's, which may be anybody's.
ELSEWHERE = "/"


class Venv(Noun, frozen=True, kw_only=True):
    """`python` runs the stack's packages once `env` is set; `seconds` is 0 when it was there already."""

    python: str
    lock_sha256: str
    env: dict[str, str] = {}
    seconds: float = 0.0


class Way(Noun, frozen=True, kw_only=True):
    """What the command line says of how environments are made: from which index, with whose certificates, if at all."""

    index: str | None = None
    ca_bundle: str | None = None
    may_make: bool = True


#: Where it says nothing.
EITHER_WAY = Way()


class NoInterpreter(HostError):
    """This host has no Python that the stack can run on; the stack is unsupported here, not broken."""


def ensure(
    stack: Stack, device: DeviceKind, docker_dir: Path, say: Say, keras_spec: str | None = None, way: Way = EITHER_WAY
) -> Venv:
    """Gives the environment of `stack`, which is made if it is not there and may be made.

    `keras_spec` (anything pip can install, or a folder) replaces Keras. Raises NoInterpreter or HostError, and
    UserError where the caller's environment contradicts itself.
    """
    here, digest = place(stack, device, docker_dir, keras_spec)
    maker = _maker(stack)
    began = time.monotonic()
    with cache_locked(here, lambda: say(f"waiting for another run that makes {here.name}")):
        made = not _believed(maker, here, _lock(stack, device, docker_dir), keras_spec, stack, say)
        if made:
            if not way.may_make:
                raise HostError(
                    f"there is no environment of {stack.name}, and none may be made", "leave --no-build out"
                )
            source = f"with {public(keras_spec)}" if keras_spec else "from its lock"
            say(f"making the environment of {stack.name} {source}")
            sources = indexes.with_options(indexes.find(os.environ), way.index, way.ca_bundle)
            lock = _lock(stack, device, docker_dir)
            for line in (*sources.notes, f"its packages come from {sources.words(own_indexes(lock, sources))}"):
                say(line)
            _make(maker, here, lock, sources, keras_spec)
        refuse_planted(maker.python(here))
    seconds = time.monotonic() - began if made else 0.0
    return Venv(python=maker.python(here), env=maker.env(here), lock_sha256=digest, seconds=seconds)


def _believed(maker: Modern | Legacy, here: Path, lock: Path, keras_spec: str | None, stack: Stack, say: Say) -> bool:
    """Whether there is an environment, and it is what was made from this lock by nobody else.

    One of a version that kept no stamp gets it when all its files are found as they were installed.
    Raises HostError for one that others could have put there.
    """
    stamps.refuse_others(here)
    if not maker.usable(here):
        return False
    digest = sha256_file(lock)
    doubt = stamps.doubt(here, digest)
    if doubt is None:
        say(f"checking the environment of {stack.name}, which an older version made")
        own = frozenset({"keras"}) if keras_spec else frozenset[str]()
        doubt = stamps.unproven(here, lock.read_text(encoding="utf-8"), own)
        if not doubt:
            stamps.write(here, digest)
    if doubt:
        say(f"the environment of {stack.name} is not believed: {doubt}")
    return not doubt


def refuse_planted(python: str) -> None:
    """Raises HostError for an interpreter that any user of this host could have put there."""
    found = ownership.planted(Path(python))
    if found:
        raise HostError(f"the interpreter is not believed: {found}", "Install Python where only you or root can write.")


def no_interpreter(stack: Stack, device: DeviceKind, docker_dir: Path) -> str:
    """Why the environment of `stack` is not there and cannot be made on this host; "" where it can, or may be.

    Nothing is made or fetched: a Python 3 that is not here may still be had by uv.
    """
    modern = not stack.python.startswith("2.")
    if (modern and extras.is_there("uv")) or _maker(stack).usable(place(stack, device, docker_dir, None)[0]):
        return ""
    if modern:
        return f"no environment of it is here, and {extras.lacking('build')}"
    try:
        find_python(stack.python)
    except NoInterpreter as error:
        return f"{error.message}; {error.hint}"
    return ""


def place(stack: Stack, device: DeviceKind, docker_dir: Path, keras_spec: str | None) -> tuple[Path, str]:
    """The folder of the environment of `stack`, made or not, and the sha256 of its lock."""
    digest = sha256_file(_lock(stack, device, docker_dir))
    suffix = "-" + hashlib.sha256(_spec_identity(keras_spec).encode()).hexdigest()[:8] if keras_spec else ""
    return cache_folder() / "venvs" / f"{stack.name}-{device}-{digest[:12]}{suffix}", digest


def _maker(stack: Stack) -> Modern | Legacy:
    return Legacy(stack) if stack.python.startswith("2.") else Modern(stack)


def _lock(stack: Stack, device: DeviceKind, docker_dir: Path) -> Path:
    return lock_file(stack, device, docker_dir)


class Modern:
    """Environments of Python 3, made by uv."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def python(self, place: Path) -> str:
        return str(place / "bin" / "python")

    def env(self, place: Path) -> dict[str, str]:
        return {}

    def usable(self, place: Path) -> bool:
        return (place / "bin" / "python").exists()

    def make(self, place: Path, lock: Path, sources: Sources, keras_spec: str | None) -> None:
        version, environment = self._stack.python, indexes.for_uv(sources, own_indexes(lock, sources), os.environ)
        new = [uv_program(), "venv", "--quiet", "--relocatable", "--no-project", "--python", version, str(place)]
        try:
            tools.run(new, environment)
        except HostError as error:
            raise NoInterpreter(
                f"no Python {version} on this host, and none could be fetched",
                f"install Python {version} ({error.message})",
            ) from error
        install = [
            uv_program(),
            "pip",
            "install",
            "--quiet",
            "--python",
            self.python(place),
            "--link-mode",
            "hardlink",
            "--compile-bytecode",  # jobs write none, and would compile all of Keras at every import
            "--no-deps",
            *indexes.uv_flags(sources),
        ]
        tools.run([*install, "--require-hashes", "-r", str(lock)], environment)
        if keras_spec:
            tools.run([*install, "--reinstall-package", "keras", _requirement(keras_spec)], environment)
            forget_secrets(place)


class Legacy:
    """Environments of Python 2.7, which uv does not know: its own pip fills a folder that PYTHONPATH names."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def python(self, place: Path) -> str:
        return (place / "interpreter").read_text(encoding="utf-8").strip()

    def env(self, place: Path) -> dict[str, str]:
        return {"PYTHONPATH": str(place / "site"), "PYTHONNOUSERSITE": "1"}

    def usable(self, place: Path) -> bool:
        whole = (place / "interpreter").is_file() and Path(self.python(place)).exists()
        return whole and not any(_namespaces(place / "site"))

    def make(self, place: Path, lock: Path, sources: Sources, keras_spec: str | None) -> None:
        if keras_spec:
            raise HostError("a Keras of one's own needs a stack of today", "add `--stack 'keras3-*'`")
        python = find_python(self._stack.python)
        place.mkdir()
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        environment = indexes.for_pip(sources, own_indexes(lock, sources), os.environ)
        tools.run([*install, "--target", str(place / "site"), "-r", str(lock.absolute())], environment)
        for package in _namespaces(place / "site"):
            (package / "__init__.py").touch()
        (place / "interpreter").write_text(python, encoding="utf-8")


def _namespaces(site: Path) -> Iterator[Path]:
    """The folders of packages that cannot be imported: those that share a name (google.protobuf) have no __init__.py.

    A .pth file makes up for it, which Python reads in its own folders, and not in those of PYTHONPATH.
    """
    for listed in site.glob("*.*-info/namespace_packages.txt"):
        for name in listed.read_text(encoding="utf-8").split():
            package = site.joinpath(*name.split("."))
            if package.is_dir() and not (package / "__init__.py").exists():
                yield package


def find_python(version: str) -> str:
    """The absolute path of a working `python<version>` with pip. Raises NoInterpreter."""
    name = f"python{version}"
    found = shutil.which(name)
    if found:
        code = "import sys, pip; assert sys.maxunicode > 65535; print(sys.executable)"
        probe = [str(Path(found).absolute()), "-c", code]
        answer = subprocess.run(
            probe, capture_output=True, encoding="utf-8", errors="replace", check=False, cwd=ELSEWHERE
        )
        if answer.returncode == 0:
            return answer.stdout.strip()
    raise NoInterpreter(
        f"needs {name}, which this host does not have",
        "a Docker engine (https://docs.docker.com/engine/install/) runs it anywhere",
    )


def _make(maker: Modern | Legacy, place: Path, lock: Path, sources: Sources, keras_spec: str | None) -> None:
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    try:
        maker.make(partial, lock, sources, keras_spec)
        stamps.write(partial, sha256_file(lock))
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def own_indexes(lock: Path, sources: Sources) -> list[str]:
    """The lock's own index, unless the caller's folders hold its wheels.

    It is a comment: "# index: URL" in its .in file, or "# from: URL" in the lock of a stack of one's own.
    """
    text = lock.read_text(encoding="utf-8")
    asked, name, said = lock.with_suffix(".in"), "from", text
    if "# asked: " not in text and asked.is_file():  # which is no lock of a stack of one's own
        name, said = "index", asked.read_text(encoding="utf-8")
    found = re.findall(rf"^# {name}: *(\S+)", said, re.MULTILINE)
    return [] if found and locked_wheels(sources.folders, text) else found


def _requirement(spec: str) -> str:
    """A folder or file by its address: in a path, uv would take brackets for the extras of a package."""
    return Path(spec).absolute().as_uri() if Path(spec).exists() else spec


def _spec_identity(spec: str) -> str:
    """What tells one Keras from another: the requirement without a secret, as records have it, so that a run finds its
    environment again; of a folder, also the time of its newest file."""
    folder = Path(spec)
    if not folder.is_dir():
        return public(spec)
    newest = max((p.stat().st_mtime_ns for p in folder.rglob("*.py")), default=0)
    return f"{folder.resolve()}@{newest}"


def forget_secrets(place: Path) -> None:
    """Takes the secrets out of the addresses that uv wrote down in an environment (direct_url.json of a package)."""
    for file in place.rglob("*.dist-info/direct_url.json"):
        content = file.read_text(encoding="utf-8")
        if public(content) == content:
            continue
        shown = public(content).encode()
        file.write_bytes(shown)
        record = file.with_name("RECORD")
        digest = base64.urlsafe_b64encode(hashlib.sha256(shown).digest()).rstrip(b"=").decode()
        name = f"{file.parent.name}/{file.name}"
        line = f"{name},sha256={digest},{len(shown)}"
        rows = record.read_text(encoding="utf-8").splitlines()
        record.write_text("".join(f"{line if r.startswith(name + ',') else r}\n" for r in rows), encoding="utf-8")
