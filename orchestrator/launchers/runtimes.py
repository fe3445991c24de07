"""Container runtimes as data: the command templates of each, and the points of confinement that it cannot give.

Each runtime that comes with the package is a file in runtimes/; a user's own is a YAML file with the same fields.
"""

from __future__ import annotations

import functools
import os
import shutil
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from orchestrator.errors import HostError, UserError
from orchestrator.files import PACKAGE, decode_yaml, read_yaml, refuse_faults
from orchestrator.model import Noun
from orchestrator.text import suggest

#: One YAML file for each runtime that comes with the package.
FOLDER = PACKAGE / "launchers" / "runtimes"
#: The names of these runtimes: what `--launcher` takes beside the path of a runtime's file.
NAMES = tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))
#: Those that use no runtime of this module: `docker` speaks to the engine itself (see launchers.docker).
BASIC = ("auto", "docker", "process")
LAUNCHERS = (*BASIC, *(name for name in NAMES if name not in BASIC))

HINT = "docs/RUNTIMES.md lists the fields of a runtime"
#: A file that exists on hosts with control groups of version 2.
CGROUPS_V2 = Path("/sys/fs/cgroup/cgroup.controllers")

#: The points of a job's confinement. Every runtime either asks for one or says why it lacks it.
Point = Literal[
    "network", "read_only", "user", "capabilities", "no_new_privileges", "core_dumps", "processes", "memory",
    "shared_memory", "cores", "temporary_files", "environment", "one_gpu",
]  # fmt: skip
POINTS: tuple[str, ...] = get_args(Point)
#: Those that a user may give up. The others are what makes a figure comparable, or keeps files the caller's own.
Weakenable = Literal["network", "read_only", "capabilities", "no_new_privileges", "processes"]
WEAKENABLE: tuple[str, ...] = get_args(Weakenable)
Over = Literal["environment", "keep_out", "binds", "labels"]
#: Placeholders of one text each, by where they may stand ("" for the command that runs a job).
FIELDS: dict[str, set[str]] = {
    "": {
        *("name", "image", "user", "cores", "memory_mb", "pids", "shm_mb", "tmp_mb", "gpu", "minor", "scratch"),
        "entrypoint",
    },
    "environment": {"key", "value"},
    "keep_out": {"key"},
    "labels": {"key", "value"},
    "binds": {"host", "inside", "mode"},
    "gpu_environment": {"gpu"},
    "gpu_file": {"file"},
    "gpu_group": {"group"},
    "end": {"name"},
    "inspect": {"name"},
    "find": set(),
    "images.show": {"image"},
    "images.put: engine": set(),  # it reads the archive from its input
    "images.put: files": {"image", "file", "archive"},
}
#: Placeholders of `run` for any number of arguments; the other commands have {program} alone.
MANY = {"program", "hardening", "rootless", "gpu", "extra", "command"}


class Each(Noun, frozen=True, kw_only=True):
    """How a list is written: arguments (`words`) for each entry, or one argument: `prefix` and all, with commas."""

    over: Over
    words: list[str]
    prefix: str = ""
    omit: list[str] = []


class Images(Noun, frozen=True, kw_only=True):
    """Where a runtime has its images, and how it is given one.

    `engine`: in a store of its own, where `show` finds one by name and `put` reads an archive of `docker save` from
    its input; `files`: each in a file that `put` makes, from an archive or from the Docker engine.
    """

    store: Literal["engine", "files"]
    put: list[str]
    show: list[str] = []
    suffix: str = ""


class Runtime(Noun, frozen=True, kw_only=True):
    """One container runtime; docs/RUNTIMES.md explains the placeholders.

    `end` removes a job's container by name (without it the container is a child process, and ends like one),
    `inspect` and `find` look at containers, `could_not_start` are exit codes that mean just that. `usage`: where a
    job's processor time and memory are read: its control group, the processes below the command, or nowhere.
    """

    name: str
    title: str
    tried: bool = False
    program: list[str]
    run: list[str]
    extra: list[str] = []
    #: What sets the program that is started in place of an image's entry point; a runtime that starts none needs none.
    entrypoint: list[str] = []
    lists: dict[str, Each]
    hardening: dict[Point, list[str]]
    lacks: dict[Point, str] = {}
    #: By route (see gpu_routes); the first one serves where nothing else is asked for.
    gpu: dict[str, list[str]]
    gpu_environment: dict[str, str] | None = None
    #: For a card that is given by its device files: what gives one `{file}`, and one further `{group}` that may open
    #: it.
    gpu_file: list[str] = []
    gpu_group: list[str] = []
    end: list[str] = []
    inspect: list[str] = []
    find: list[str] = []
    could_not_start: list[int] = []
    usage: Literal["inspect", "children", "none"] = "none"
    inside_slurm: bool = False
    #: Further arguments if the caller is not root, and points that such a caller gets with control groups v2 only.
    rootless: list[str] = []
    rootless_needs_v2: list[Point] = []
    #: What to do where the program is missing.
    install: str = ""
    images: Images

    @property
    def unconfined(self) -> tuple[str, ...]:
        """The points of confinement that it cannot give, for people, with the reason."""
        return tuple(not_given(self.lacks))

    @property
    def sets_user(self) -> bool:
        """Whether a job can run as another user than the one who starts it."""
        return any("{user}" in argument for argument in self.hardening.get("user", []))

    @property
    def needs_scratch(self) -> bool:
        """Whether its command names a temporary folder on the host."""
        return any("{scratch}" in argument for argument in self.run)


def recorded_name(launcher: str) -> str:
    """The name of a launcher in results: of a runtime's file, the name in it. Raises UserError."""
    return launcher if launcher in LAUNCHERS else load(launcher).name


def given_up(weakened: Sequence[str]) -> list[str]:
    """The points of confinement that the user has given up, for people."""
    return [f"{point.replace('_', ' ')}: given up by the user (--weaken {point})" for point in weakened]


def not_given(lacks: Mapping[Point, str]) -> list[str]:
    """The points of confinement that a job does not get, for people, with the reason."""
    return [f"{point.replace('_', ' ')}: {why}" for point, why in lacks.items()]


def check_launcher(name: str) -> None:
    """Raises UserError for what `--launcher` does not take."""
    if name in LAUNCHERS:
        return
    if not Path(name).is_file():
        hint = suggest(name, LAUNCHERS, f"known: {', '.join(LAUNCHERS)}, or the file of a runtime")
        raise UserError(f"no launcher and no file is called {name!r}", hint)
    load(name)


def check_usable(runtime: Runtime) -> None:
    """Raises HostError if this host cannot run jobs with the runtime."""
    program = runtime.program[0]
    if runtime.inside_slurm and "SLURM_JOB_ID" not in os.environ:
        raise HostError(
            f"{runtime.name} works inside a Slurm job only, and this is none", "take another launcher on one machine"
        )
    if shutil.which(program) is None:
        raise HostError(
            f"{runtime.name}: the program {program} is not on the search path",
            runtime.install or f"install {program}, or take another launcher (docker, process)",
        )
    if os.getuid() == 0 and not runtime.sets_user:
        raise HostError(
            f"{runtime.name} runs a job as whoever starts it, and jobs must not be root", "start it as another user"
        )


def adapted(runtime: Runtime, root: bool, v2: bool | None = None) -> Runtime:
    """Adjusts a runtime to this user: what rootless engines on control groups v1 ignore moves to `lacks`.

    `v2`: whether this host has control groups of version 2; None looks.
    """
    if root:
        return msgspec.structs.replace(runtime, rootless=[])
    ignored = [] if (CGROUPS_V2.exists() if v2 is None else v2) else runtime.rootless_needs_v2
    why = "ignored for a caller who is not root on a host with control groups v1"
    return msgspec.structs.replace(
        runtime,
        hardening={point: template for point, template in runtime.hardening.items() if point not in ignored},
        lacks={**runtime.lacks, **dict.fromkeys(ignored, why)},
    )


def load(name: str) -> Runtime:
    """A runtime by its name, or by the path of its file. Raises UserError."""
    if name in NAMES:
        return packaged()[name]
    path = Path(name)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the runtime {name}: {error.strerror}") from error
    own = decode_yaml(text, name, dict[str, Any])
    like = own.pop("like", None)
    if like is not None and like not in NAMES:
        raise UserError(f"{name}: like: {like!r} is none of {', '.join(NAMES)}")
    return decode({"name": path.stem, **own}, name, _raw()[like] if like else {})


def decode(own: dict[str, Any], source: str, base: dict[str, Any] | None = None) -> Runtime:
    """A checked runtime from the fields in `own`, on top of those in `base`. Raises UserError that names `source`."""
    merged = {**(base or {}), **own}
    for field in ("lists", "hardening", "gpu", "lacks"):  # one entry may be replaced alone
        if isinstance(own.get(field), dict):
            merged[field] = {**(base or {}).get(field, {}), **own[field]}
    for ours, theirs in (("lacks", "hardening"), ("hardening", "lacks")):
        if isinstance(own.get(ours), dict) and isinstance(merged.get(theirs), dict):
            merged[theirs] = {key: value for key, value in merged[theirs].items() if key not in own[ours]}
    try:
        runtime = msgspec.convert(merged, Runtime)
    except msgspec.ValidationError as error:
        raise UserError(f"{source}: {error}", HINT) from error
    refuse_faults(source, _faults(runtime), HINT)
    return runtime


@functools.cache
def packaged() -> dict[str, Runtime]:
    """The runtimes that come with the package, by name."""
    return {name: decode({"name": name, **entry}, f"runtimes/{name}.yaml") for name, entry in _raw().items()}


@functools.cache
def _raw() -> dict[str, dict[str, Any]]:
    return {name: read_yaml(FOLDER / f"{name}.yaml", dict[str, Any]) for name in NAMES}


def _faults(runtime: Runtime) -> Iterator[str]:
    """What is wrong with a runtime, beyond the types of its fields."""
    said = {*runtime.hardening, *runtime.lacks}
    twice = {*runtime.hardening} & {*runtime.lacks}
    for point in POINTS:
        if point not in said:
            yield f"nothing is said of {point}: write it under `hardening`, or say under `lacks` why not"
        if point in twice:
            yield f"{point} stands under `hardening` and under `lacks`"
    if not runtime.program or not runtime.gpu:
        yield "`program` and `gpu` must not be empty"
    for name in ("{program}", "{hardening}", "{gpu}", "{environment}", "{binds}", "{image}", "{command}"):
        if not any(name in part for part in runtime.run):
            yield f"`run` does not use {name}"
    yield from _bad_placeholders(runtime)


def _bad_placeholders(runtime: Runtime) -> Iterator[str]:
    """Placeholders that command_line.py could not fill in where they stand."""
    for name, each in runtime.lists.items():
        yield from _unknown(f"lists.{name}", each.words, FIELDS[each.over])
    for name, value in (runtime.gpu_environment or {}).items():
        yield from _unknown(f"gpu_environment.{name}", [value], FIELDS["gpu_environment"])
    yield from _unknown("gpu_file", runtime.gpu_file, FIELDS["gpu_file"])
    yield from _unknown("gpu_group", runtime.gpu_group, FIELDS["gpu_group"])
    yield from _unknown("run", _others(runtime.run, {*MANY, *runtime.lists}), FIELDS[""])
    for where, template in _parts_of_run(runtime):
        yield from _unknown(where, template, FIELDS[""])
    for where, template, known in _other_commands(runtime):
        yield from _unknown(where, _others(template, {"program"}), known)


def _parts_of_run(runtime: Runtime) -> Iterator[tuple[str, list[str]]]:
    """(where, template) of what becomes part of the command that runs a job."""
    yield from (("extra", runtime.extra), ("rootless", runtime.rootless), ("entrypoint", runtime.entrypoint))
    yield from ((f"hardening.{point}", template) for point, template in runtime.hardening.items())
    yield from ((f"gpu.{route}", template) for route, template in runtime.gpu.items())


def _other_commands(runtime: Runtime) -> Iterator[tuple[str, list[str], set[str]]]:
    """(where, template, known placeholders) of the other commands."""
    yield from (
        ("end", runtime.end, FIELDS["end"]),
        ("inspect", runtime.inspect, FIELDS["inspect"]),
        ("find", runtime.find, FIELDS["find"]),
        ("images.show", runtime.images.show, FIELDS["images.show"]),
        ("images.put", runtime.images.put, FIELDS[f"images.put: {runtime.images.store}"]),
    )


def _others(template: Iterable[str], many: set[str]) -> list[str]:
    """The arguments that are not a placeholder of any number of arguments."""
    return [argument for argument in template if argument not in {f"{{{name}}}" for name in many}]


def _unknown(where: str, template: Iterable[str], known: set[str]) -> Iterator[str]:
    """Placeholders that are not known here, or carry a format."""
    for argument in template:
        try:
            found = [part[1:] for part in string.Formatter().parse(argument) if part[1] is not None]
        except ValueError as error:
            yield f"{where}: {argument!r}: {error}"
            continue
        for name, form, conversion in found:
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                yield f"{where}: {argument!r} has an unknown placeholder {{{name}}}; known here: {listed}"
            elif form or conversion:
                yield f"{where}: {argument!r}: write {{{name}}} without a conversion or a format"
