"""Packages beside an environment that was found (`--with`), in a folder of the cache that comes first on its path.

They are locked once, with hashes, against what is there; the run records the lock, from which the folder is made again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.errors import HostError
from orchestrator.files import cache_folder, cache_locked
from orchestrator.model import Found, Say
from orchestrator.stacks import indexes, stamps, tools
from orchestrator.stacks.found.probe import Seen
from orchestrator.stacks.uv_program import uv_program
from orchestrator.stacks.venvs import Way
from orchestrator.text import listed

#: The oldest glibc that an image has: what wheels for it may need.
GLIBC = "2_28"
#: Versions that every package index can be asked for; others are of one place only.
PLAIN = re.compile(r"\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)*\Z")


def lock(asked: Sequence[str], found: Found, seen: Seen, way: Way, say: Say) -> str:
    """What is installed for these requirements in this environment, to the hash. Raises HostError."""
    if not way.may_make:
        raise HostError(f"--with {' '.join(asked)} makes a folder of packages, and none may be made", "see --no-build")
    sources = indexes.with_options(indexes.find(os.environ), way.index, way.ca_bundle)
    for line in (*sources.notes, f"packages of --with come from {sources.words(())}"):
        say(line)
    replaced = {_normal(re.split(r"[^\w.-]", each)[0]) for each in asked}
    has = {n: v for n, _, v in (each.partition("==") for each in seen.packages) if n not in {"python", *replaced}}
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-") as folder:
        wanted, limits, made = (Path(folder, name) for name in ("asked.in", "has.txt", "lock.txt"))
        wanted.write_text("".join(f"{each}\n" for each in asked), encoding="utf-8")
        limits.write_text("".join(f"{n}=={v}\n" for n, v in has.items() if PLAIN.match(v)), encoding="utf-8")
        argv = [
            *(uv_program(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"),
            *("--constraint", str(limits), "--output-file", str(made)),
            *(word for name in has for word in ("--no-emit-package", name)),
            *_target(found, seen.python),
            *(*indexes.uv_flags(sources), str(wanted)),
        ]
        tools.run(argv, indexes.for_uv(sources, (), os.environ))
        return made.read_text(encoding="utf-8")


def ready(found: Found, way: Way, say: Say) -> str:
    """The folder of the packages of a lock, made where it is not there; "" for none. Raises HostError."""
    if not found.lock:
        return ""
    digest = sha256(found.lock)
    here = cache_folder() / "found" / f"{digest[:16]}-py{_python(found)}-{platform.machine()}"
    with cache_locked(here, lambda: say(f"waiting for another run that makes {here.name}")):
        stamps.refuse_others(here)
        if here.is_dir() and stamps.doubt(here, digest) == "":
            return str(here)
        if not way.may_make:
            raise HostError(f"the packages of --with are not in {here}, and none may be made", "leave --no-build out")
        say(f"installing {listed(names(found.lock))} beside {found.place}")
        _install(found, here, digest, way)
    return str(here)


def _install(found: Found, here: Path, digest: str, way: Way) -> None:
    partial = here.with_name(f"{here.name}.partial")
    sources = indexes.with_options(indexes.find(os.environ), way.index, way.ca_bundle)
    for old in (partial, here):
        shutil.rmtree(old, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(prefix="keras-orchestrate-") as folder:
            text = Path(folder, "lock.txt")
            text.write_text(found.lock, encoding="utf-8")
            argv = [
                *(uv_program(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--link-mode", "copy"),
                *("--target", str(partial)),
                *(["--python", sys.executable] if found.kind == "image" else []),
                *_target(found, _python(found)),
                *(*indexes.uv_flags(sources), "-r", str(text)),
            ]
            tools.run(argv, indexes.for_uv(sources, (), os.environ))
        (partial / ".lock").unlink(missing_ok=True)  # uv's own, for everybody to write
        stamps.write(partial, digest)
        partial.rename(here)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def first(folder: str, env: Mapping[str, str]) -> dict[str, str]:
    """The variables with the folder in front of all that Python finds; as they are where there is none."""
    paths = [folder, env.get("PYTHONPATH", "")]
    return {**env, "PYTHONPATH": os.pathsep.join(filter(None, paths))} if folder else dict(env)


def names(text: str) -> list[str]:
    """The packages of a lock, such as `keras 3.15.1`."""
    return [f"{name} {version}" for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _target(found: Found, python: str) -> list[str]:
    """Whom packages are for: the interpreter, or an image's Python, for which nothing is built."""
    if found.kind == "python":
        return ["--python", found.place]
    place = f"{platform.machine()}-manylinux_{GLIBC}"
    return ["--python-version", python, "--python-platform", place, "--only-binary", ":all:"]


def _python(found: Found) -> str:
    """ "3.11" """
    version = next(each.partition("==")[2] for each in found.packages if each.startswith("python=="))
    return ".".join(version.split(".")[:2])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
