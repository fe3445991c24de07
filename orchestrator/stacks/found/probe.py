"""What an environment tells of itself, in types: the answer of script.py, and what is wrong where there is none."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from orchestrator import doors
from orchestrator.errors import HostError, OrchestrateError, UserError
from orchestrator.launchers.supervise import Command, Supervisor
from orchestrator.model import Noun, Sha256
from orchestrator.stacks.found.script import MARK
from orchestrator.text import one_line

SCRIPT = Path(__file__).with_name("script.py")
#: Seconds for a look at everything, on the slowest of network file systems, and at the list of packages alone.
ALL_S, PACKAGES_S = 300, 60
#: Bytes of output that are read.
LIMIT = 2**21
#: What versions, names and packages look like: nothing else is taken, shown or recorded.
Version = Annotated[str, Meta(pattern=r"^[\w.+!-]*\Z", max_length=60)]
Package = Annotated[str, Meta(pattern=r"^[\w.+!-]+==[\w.+!*-]+\Z", max_length=200)]
#: The libraries that Keras is on: their names are those of backends, and of folders.
Library = Literal["tensorflow", "jax", "torch", "theano", "cntk", "mxnet"]
What = Literal["all", "packages"]


class Met(Noun, frozen=True, kw_only=True):
    """One library under Keras: the versions of both and the module that Keras is, or why it cannot be had."""

    version: Version = ""
    keras: Version = ""
    module: Version = ""
    error: Annotated[str, Meta(max_length=1000)] = ""


class Seen(Noun, frozen=True, kw_only=True):
    """What a probe told. `keras`: the modules that are Keras; `met`: the libraries that are there, by name."""

    executable: Annotated[str, Meta(max_length=4096)]
    packages: Annotated[list[Package], Meta(min_length=1, max_length=20_000)]
    keras: Annotated[list[Version], Meta(max_length=10)]
    met: dict[Library, Met] = {}
    #: The variable PYTHONPATH as an image sets it.
    path: Annotated[str, Meta(max_length=4096)] = ""

    @property
    def python(self) -> str:
        """Its version, "3.11.7"."""
        return self.version("python") or "?"

    @property
    def sha256(self) -> Sha256:
        return packages_sha256(self.packages)

    def version(self, package: str) -> str:
        """The version of a package, "" where it is not there."""
        return next((each.partition("==")[2] for each in self.packages if each.startswith(f"{package}==")), "")


def packages_sha256(packages: Sequence[str]) -> Sha256:
    """What tells one list of packages from another."""
    return hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest()


def look(python: str, env: Mapping[str, str], what: What = "all", seconds: float | None = None) -> Seen:
    """What the interpreter at this path tells; it gets a clean environment with `env`.

    Raises UserError for what is no Python, HostError for one that does not answer in time.
    """
    seconds = seconds or (ALL_S if what == "all" else PACKAGES_S)
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-", ignore_cleanup_errors=True) as folder:
        log, home = doors.own(Path(folder)) / "log", Path(folder) / "home"
        home.mkdir()
        command = Command(
            argv=argv(python, what),
            environment=clean(str(home), env),
            folder=str(home),
            cores=sorted(os.sched_getaffinity(0)),
        )
        code, timed_out = Supervisor().run(command, seconds, log, lambda probe: None)
        output = doors.tail(log, LIMIT) if log.exists() else []
    if timed_out:
        raise HostError(
            f"{python} did not say what is in it within {seconds:g} s", "does it start at all? Try it by hand"
        )
    if not answered(output):
        said = one_line(next((line for line in reversed(output) if line.strip()), ""), 200) or "nothing"
        raise UserError(f"{python} is no Python: exit code {code}, and it said: {said}", "name an interpreter")
    return read(output, python)


def argv(python: str, what: What) -> list[str]:
    return [python, "-B", "-c", SCRIPT.read_text(encoding="utf-8"), what]


def clean(home: str, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a probe: that of a job, but it sees no GPU, which may be another's."""
    path = os.environ.get("PATH", os.defpath)
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {"PATH": path, "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home, **env, **hidden}


def answered(output: Sequence[str]) -> bool:
    """Whether a probe has printed its answer."""
    return any(line.startswith(MARK) for line in output)


def read(output: Sequence[str], place: str) -> Seen:
    """The answer in what a probe printed, of which the last counts. Raises UserError for what is none."""
    line = next(line for line in reversed(output) if line.startswith(MARK))
    try:
        seen = msgspec.json.decode(line.removeprefix(MARK), type=Seen)
        if not re.match(r"\d+\.\d+\.\d+\Z", seen.python, re.ASCII):
            raise ValueError(f"its version is {seen.python}")
    except (ValueError, RecursionError) as error:  # of msgspec, too
        raise UserError(f"{place} answers what no Python does: {one_line(str(error), 200)}", "look at it") from error
    return seen


def unfit(seen: Seen, place: str) -> OrchestrateError | None:
    """Why no job can run there, if that is so."""
    able = [met for met in seen.met.values() if not met.error]
    if able:
        return None
    broken = "; ".join(f"{name}: {one_line(met.error, 200)}" for name, met in sorted(seen.met.items()))
    if not seen.keras and "tensorflow" not in seen.met:
        has = f" ({', '.join(sorted(seen.met))} is there)" if seen.met else ""
        return HostError(f"there is no Keras in {place}{has}", "`--with keras==3.15.1` puts one beside it")
    if not seen.met:
        return HostError(
            f"Keras {seen.version('keras') or '(tf_keras)'} in {place} has no backend",
            "install tensorflow, jax or torch there",
        )
    return HostError(f"no backend of Keras works in {place}: {broken}", "mend it there, and try again")
