"""What is here that could serve as it is: lines of `doctor`. Only programs of the caller or of root are started."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator import ownership
from orchestrator.errors import OrchestrateError
from orchestrator.host.checks import Check
from orchestrator.host.docker_sdk import listed_images
from orchestrator.stacks.found import probe
from orchestrator.stacks.found.find import handed_on
from orchestrator.stacks.found.script import LIBRARIES
from orchestrator.text import listed, printable

#: Seconds for an interpreter that is only asked for its packages.
PATIENCE_S = 20
#: Names of images that are made with Keras or one of its backends in them; and how many are named.
LIKELY = re.compile(r"nvcr\.io/nvidia/(tensorflow|pytorch|jax)|tensorflow/tensorflow|pytorch/pytorch|(.*/)?[^/]*keras")
MOST = 5
#: Packages that bring a library of another name.
OTHERS = {"tensorflow": ("tensorflow-cpu", "tensorflow-gpu"), "mxnet": ("mxnet-cu80",)}


def pythons(environ: Mapping[str, str]) -> list[Check]:
    """The interpreters that somebody works with here, as far as they have Keras."""
    places: dict[Path, tuple[str, str]] = {}
    for path, why in _places(environ):
        with contextlib.suppress(OSError):  # one that this user may not even look at
            if Path(path).exists():
                places.setdefault(Path(path).parent.resolve(), (path, why))
    return [check for path, why in places.values() if (check := _python(path, why, environ))]


def _places(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Paths of interpreters, and whose they are."""
    yield sys.executable, "this program's own"
    for name in ("CONDA_PREFIX", "VIRTUAL_ENV"):
        if environ.get(name):
            yield str(Path(environ[name], "bin", "python")), name
    first = shutil.which("python3", path=environ.get("PATH"))
    if first:
        yield first, "python3 on the search path"


def _python(path: str, why: str, environ: Mapping[str, str]) -> Check | None:
    """What one has; None for one that lacks Keras or does not answer."""
    what = "environment that is here"
    try:
        strange = _strange(Path(path))
        if strange:
            return Check(level="ok", what=what, seen=f"{path} ({why}): not looked into, as {strange}")
        seen = probe.look(path, handed_on(environ), "packages", PATIENCE_S)
    except (OrchestrateError, OSError):
        return None
    keras = seen.version("keras") or seen.version("tf-keras")
    if not keras:
        return None
    versions = {name: next(filter(None, map(seen.version, (name, *OTHERS.get(name, ())))), "") for name in LIBRARIES}
    libraries = [f"{name} {version}" for name, version in versions.items() if version]
    backends = listed(libraries) if libraries else "no backend"
    said = f"{path} ({why}): Python {seen.python}, Keras {keras}, {backends}"
    return Check(level="ok", what=what, seen=f"{said}; `--python {path}` takes it as it is" if libraries else said)


def _strange(path: Path) -> str:
    """Why a program is not started unasked, in words, or ""."""
    owner = path.resolve().stat().st_uid
    if owner not in (0, os.geteuid()):
        return ownership.trouble(path.resolve())
    return ownership.planted(path)


def images(client: Any) -> list[Check]:
    """The engine's images that could serve, by their names alone; none are started."""
    try:
        names = sorted({printable(tag, 200) for image in listed_images(client) for tag in image.tags})
    except Exception:  # the engine's own checks say what is wrong with it
        return []
    likely = [name for name in names if LIKELY.match(name) and not name.startswith("keras-orchestrate/")]
    if not likely:
        return []
    more = f" and {len(likely) - MOST} more" if len(likely) > MOST else ""
    seen = f"by their names these could serve: {', '.join(likely[:MOST])}{more}; `--image NAME` takes one as it is"
    return [Check(level="ok", what="images that are here", seen=seen)]
