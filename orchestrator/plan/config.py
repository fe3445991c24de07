"""Configurations: a preset or a YAML file, with the options of the command line on top. Checked before a run starts."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from orchestrator.errors import UserError
from orchestrator.files import allowed, decode_yaml, is_python, is_yaml
from orchestrator.launchers.runtimes import LAUNCHERS, Weakenable, check_launcher
from orchestrator.model import MOST_SECONDS, Arguments, Epochs, Mode, Noun, Plan, Positive, Threads, Variant
from orchestrator.plan.axes import AxisName, settled
from orchestrator.plan.mistyped import in_words
from orchestrator.plan.slurm import Slurm
from orchestrator.text import public, suggest

Patterns = list[str]
#: A name of data for a file of one's own: a file name, and a part of a variable's name.
DataName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}\Z")]
#: Of the numbers in durations and amounts of memory; and MiB of the largest host.
MOST_DIGITS, MOST_MB = 10, 2**26
#: The names of executors (executors/choose.py).
#: A package by its name, with or without versions; addresses may hold secrets, and this is recorded.
REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?\s*([=<>!~]=?=?\s*[\w.*+!-]+(\s*,\s*)?)*\Z")
ExecutorName = Literal["local", "slurm"]


def everything() -> Patterns:
    return ["*"]


class Config(Noun, frozen=True, kw_only=True):
    """What a run should do. Patterns are shell globs; None means "decide from the host"."""

    version: Literal[1] = 1
    description: str = ""
    #: An entry that ends in .yaml is the file of a stack of one's own.
    stacks: Patterns = field(default_factory=everything)
    backends: Patterns = field(default_factory=everything)
    workloads: Patterns = field(default_factory=everything)
    #: Environments that are there already: interpreters by their paths (`same` is this one), or images by their names.
    #: They take the place of all stacks that are not named by more than `*`.
    pythons: list[str] = []
    images: list[str] = []
    #: Packages that these get beside what they have, such as keras==3.15.1.
    additions: list[str] = []
    variants: list[Variant] = field(default_factory=lambda: ["faithful"])
    #: Globs over job ids; what they match is a row `excluded`.
    exclude: Patterns = []
    device: Literal["auto", "cpu", "gpu"] = "auto"
    #: One of runtimes.LAUNCHERS, or the file of a runtime, by its absolute path.
    launcher: str = "auto"
    executor: ExecutorName = "local"
    #: Only with `executor: slurm`.
    slurm: Slurm = Slurm()
    #: A scale's name; None takes `article` on a GPU and `quick` on a CPU.
    scale: str | None = None
    repeats: Positive = 1
    epochs: Epochs | None = None
    #: Settings with several values, each combination of which is run (plan/axes.py).
    vary: dict[AxisName, list[bool | int | float | str]] = {}
    timeout: str | None = None
    #: What is timed: training, calls of models that were not trained, or the tokens that they make.
    mode: Mode = "train"
    #: The batch of `mode: predict`, beside 1; None is the workload's.
    predict_batch: Positive | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 2017
    #: Ask each library for the same results each time; never compared with runs that do not.
    deterministic: bool = False
    #: Of a file of one's own: the most batches of an epoch, its command line, data by name, and whether it may use the
    #: network.
    steps: Positive | None = None
    arguments: Arguments = []
    data: dict[DataName, str] = {}
    network: bool = False
    #: CPU threads of every job; None takes all cores but one, shared out over parallel jobs.
    threads: Threads | None = None
    parallel: Threads = 1
    #: Memory limit per container, such as "4g"; None gives each an equal share of the host's.
    memory: str | None = None
    #: How containers get their GPU; auto takes what the engine offers.
    gpu_route: Literal["auto", "devices", "cdi", "runtime", "nvidia-docker"] = "auto"
    #: Also measure on a GPU that other processes use; the rows say so.
    allow_busy: bool = False
    #: Only these GPUs, by number or UUID; empty takes all that the environment leaves.
    gpus: list[str] = []
    #: Readings of each GPU a second; 0: none.
    sample_hz: Annotated[float, Meta(ge=0, le=100)] = 5.0
    #: Restrictions of the containers that are dropped; every row says so.
    weaken: list[Weakenable] = []


def presets() -> dict[str, Config]:
    """The presets that come with the package, by name."""
    folder = resources.files("orchestrator.plan") / "presets"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return {f.name.removesuffix(".yaml"): decode(f.read_bytes(), f.name) for f in files}


def load_config(name: str) -> Config:
    """A preset by its name, else a YAML file by its path."""
    known = presets()
    if name in known:
        return known[name]
    path = Path(name)
    if not path.is_file():
        hint = suggest(name, known, "see `orchestrate list presets`")
        raise UserError(f"no preset and no file is called {name!r}", hint)
    return decode(path.read_bytes(), str(path))


def decode(text: bytes, source: str) -> Config:
    return _settled(decode_yaml(text, source, Config, _field_hint))


def on_top(config: Config, **changes: Any) -> Config:
    """`config` with what somebody asked for, as `override` takes it.

    Where environments are named that are there already, the stacks of a preset were not asked for, and `*` means those
    of the catalog.
    """
    if changes.get("pythons") or changes.get("images"):
        asked = ["?*" if name == "*" else name for name in changes.get("stacks") or ()]
        changes = {**changes, "stacks": asked or everything()}
    return override(config, **changes)


def override(config: Config, **changes: Any) -> Config:
    """`config` with every change that is not None (nor an empty list), checked like a file.

    Single axes of `vary`, like single fields of `slurm`, take the place of those of their names alone.
    """
    given = {key: value for key, value in changes.items() if value not in (None, [], (), {})}
    values = msgspec.to_builtins(config)
    for name in ("slurm", "vary"):
        if isinstance(given.get(name), dict):
            given[name] = {**values[name], **given[name]}
    values = {**values, **given}
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise UserError(in_words(str(error)) + allowed(str(error), Config), _field_hint(str(error))) from error
    return _settled(config)


def _settled(config: Config) -> Config:
    """`config` in the one way in which it is recorded and compared, also by those who start in other folders.

    Raises UserError for a launcher that there is not, for one that cannot serve the rest, and for words that are no
    amount of time or memory.
    """
    check_launcher(config.launcher)
    config = msgspec.structs.replace(config, launcher=_launcher_of_found(config))
    if config.launcher == "process" and config.weaken:
        raise UserError("the process launcher confines nothing: --weaken is for containers", "leave --weaken out")
    if config.gpus and config.device == "cpu":
        raise UserError("--gpu does not go with --device cpu", "leave one of them out")
    _refuse_secrets(config.arguments)
    vary = settled(config.vary)
    if "threads" in vary and config.threads:
        raise UserError("threads are varied and set", "leave --threads or --vary threads out")
    if config.timeout:
        parse_duration(config.timeout)
    if config.memory:
        parse_memory(config.memory)
    known = config.launcher in LAUNCHERS
    launcher = config.launcher if known else str(Path(config.launcher).absolute())
    variants = list(dict.fromkeys(config.variants))  # a job that is there twice would be one job with two rows
    return msgspec.structs.replace(
        config,
        launcher=launcher,
        device="gpu" if config.gpus else config.device,
        variants=variants,
        weaken=sorted(set(config.weaken)),
        vary=vary,
        stacks=list(dict.fromkeys(str(Path(s).absolute()) if is_yaml(s) else s for s in config.stacks)),
        workloads=list(dict.fromkeys(str(Path(w).absolute()) if is_python(w) else w for w in config.workloads)),
        data={name: str(Path(path).absolute()) for name, path in config.data.items()},
        pythons=list(dict.fromkeys(map(_interpreter, config.pythons))),
        images=list(dict.fromkeys(config.images)),
    )


def _launcher_of_found(config: Config) -> str:
    """The launcher, which the kind of a found environment decides. Raises UserError for one that cannot start it."""
    if config.pythons and config.images:
        raise UserError(
            "an interpreter runs as a process and an image in a container: one run takes one of both",
            "make two runs, and `orchestrate merge` them",
        )
    if config.pythons and config.launcher not in ("auto", "process"):
        raise UserError(f"--python runs as a process, not with {config.launcher}", "leave --launcher out")
    if config.images and config.launcher == "process":
        raise UserError("--image runs in containers, not as a process", "leave --launcher out, or name a runtime")
    if config.additions and not config.pythons and not config.images:
        raise UserError("--with is for --python and --image: stacks have what their locks say", "leave --with out")
    for each in config.additions:
        if not REQUIREMENT.match(each):
            raise UserError(f"--with {each!r} is no package by its name", "write it like keras==3.15.1")
    if config.launcher != "auto":
        return config.launcher
    return "process" if config.pythons else "docker" if config.images else "auto"


def _refuse_secrets(arguments: Sequence[str]) -> None:
    """Raises UserError for what would be on record with every job, and in every report."""
    for number, word in enumerate(arguments, 1):
        if public(word) != word:
            raise UserError(
                f"argument {number} for the script looks like a password or a token, and arguments are recorded",
                "let the script read it from a file: --data NAME=PATH",
            )


def _interpreter(word: str) -> str:
    """The absolute path of what is meant by a word of `pythons`, through no link: a virtual environment is one."""
    path = sys.executable if word == "same" else word if "/" in word else shutil.which(word) or word
    return str(Path(path).absolute())


def recorded_config(plan: Plan) -> Config:
    """The configuration of a recorded run. Raises UserError where this version cannot read it."""
    try:
        return msgspec.convert(plan.config, Config)
    except msgspec.ValidationError as error:
        raise UserError(f"plan.json: $.config: {error}", "it is damaged, or of another version") from error


def parse_duration(text: str) -> int:
    """Seconds in "90", "90s", "10m", "2h"; a year at most."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    if not number.isdecimal() or len(number) > MOST_DIGITS or not 1 <= int(number) * unit <= MOST_SECONDS:
        raise UserError(f"not a duration: {text[:40]!r}", "write it like 90s, 10m or 2h, at most a year")
    return int(number) * unit


def parse_memory(text: str) -> int:
    """MiB in "512m", "4g"."""
    units = {"m": 1, "g": 1024}
    number, unit = text[:-1], units.get(text[-1:].lower())
    if unit is None or not number.isdecimal() or len(number) > MOST_DIGITS or not 64 <= int(number) * unit <= MOST_MB:
        raise UserError(f"not an amount of memory: {text[:40]!r}", "write it like 512m or 4g, at least 64m")
    return int(number) * unit


def _field_hint(message: str) -> str:
    if "unknown field" not in message:
        return ""
    name = message.split("`")[1]
    kind: type[Noun] = Slurm if "$.slurm`" in message else Config
    fields = [f.name for f in msgspec.structs.fields(kind)]
    return suggest(name, fields, f"known fields: {', '.join(fields)}")
