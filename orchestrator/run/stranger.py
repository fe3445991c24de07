"""A run that is not this user's own: what it would start is shown, and taken from the command line alone. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import UserError
from orchestrator.model import Noun, Plan, Result
from orchestrator.plan.config import Config, override, recorded_config
from orchestrator.results.folder import RunFolder
from orchestrator.text import one_line, plural, public

#: Parts of a configuration that act beyond the jobs themselves, and the option that names each.
ACTING = {
    "executor": "--executor",
    "slurm": "--partition, --sbatch-option and the like, or --config FILE",
    "weaken": "--weaken",
    "gpu_route": "--gpu-route",
    "allow_busy": "--allow-busy",
}
#: Options that act beyond the jobs, whatever their value is.
ACTING_OPTIONS = frozenset(
    {
        *("--root", "--keras-spec", "--weaken", "--allow-busy", "--network", "--executor", "--sbatch-option", "--data"),
        *("--base-image", "--cuda-base", "--cuda-dir", "--ca-bundle", "--pip-index-url", "--debian-mirror"),
        *("--data-dir", "--out", "--python", "--image"),
    }
)
#: Characters of a line that shows one part of a plan.
WIDTH = 400


class Part(Noun, frozen=True, kw_only=True):
    """Something that a plan would have started, opened or used. `option`: its name on the command line, if any."""

    name: str
    value: str
    option: str = ""


class Typed(Noun, frozen=True, kw_only=True):
    """What was named on the command line, for a plan of somebody else's. None: not named."""

    launcher: str | None = None
    root: Path | None = None
    #: "" names the locked Keras.
    keras_spec: str | None = None
    #: With everything of a configuration that was typed, and otherwise the defaults.
    config: Config = Config()


def parts(plan: Plan, results: Mapping[str, Result]) -> list[Part]:
    """All that the plan would have started, opened or used."""
    setup, config = plan.setup, recorded_config(plan)
    jobs = Counter(f"{job.stack} ({job.backend})" for job in plan.planned)
    found = [
        Part(name="root", value=setup.get("root") or "the one that comes with this program", option="--root DIR"),
        Part(name="stacks", value=", ".join(f"{name}: {plural(n, 'job')}" for name, n in sorted(jobs.items()))),
        Part(name="launcher", value=setup.get("launcher") or config.launcher, option="--launcher NAME|FILE"),
        Part(name="keras spec", value=setup.get("keras_spec") or "the locked Keras", option="--keras-spec SPEC"),
        Part(name="images", value=", ".join(_images(results)) or "none on record"),
        Part(name="data", value=", ".join(_data(plan)) or "none on record", option="--data-dir FOLDER"),
    ]
    found += [Part(name="own file", value=each.brought.path) for each in plan.workloads if each.brought]
    asked = dict.fromkeys(shlex.join(job.arguments) for job in plan.planned if job.arguments)
    found += [Part(name="arguments", value=each) for each in asked]
    found += [Part(name="environment", value=each.found.place) for each in plan.stacks if each.found]
    found += [Part(name="own stack", value=f"{each.own.path}, {each.own.lock}") for each in plan.stacks if each.own]
    different = [name for name in ACTING if getattr(config, name) != getattr(Config(), name)]
    found += [Part(name=name, value=_short(getattr(config, name)), option=ACTING[name]) for name in different]
    return [msgspec.structs.replace(part, value=public(part.value)) for part in found]


def lines(found: list[Part]) -> list[str]:
    """The parts for people, a line each."""
    return [f"{part.name}: {one_line(part.value, WIDTH)}" for part in found]


def refuse_unnamed(folder: RunFolder, plan: Plan, why: str, verb: str, typed: Typed, whole: bool) -> None:
    """Raises UserError where the plan would have something started that was not named on the command line.

    `whole`: the run goes on as the experiment that it is, so that all of its configuration must be named.
    """
    setup, config = plan.setup, recorded_config(plan)
    if any(each.brought for each in plan.workloads) or plan.stacks:  # which may be files and programs of anybody
        shown = "\n  ".join(lines(parts(plan, folder.results())))
        raise UserError(
            f"{folder.path} is not a run of yours: {why}. It runs files or environments of its maker:\n  {shown}",
            "look at your own copy of them, and start a new run with it: orchestrate FILE",
        )
    missing = [
        option
        for option, wanted, named in (
            ("--launcher NAME", True, typed.launcher),
            ("--root DIR", setup.get("root"), typed.root),
            ("--keras-spec SPEC", setup.get("keras_spec"), typed.keras_spec),
        )
        if wanted and named is None
    ]
    if whole:
        missing += [ACTING[name] for name in ACTING if getattr(config, name) != getattr(typed.config, name)]
    if missing:
        shown = "\n  ".join(lines(parts(plan, folder.results())))
        raise UserError(
            f"{folder.path} is not a run of yours: {why}. Nothing of it is started unasked. It names:\n  {shown}",
            f"look at it first (`report` and `compare` start nothing); then `{verb}` with {', '.join(missing)}",
        )


def taken_over(plan: Plan, typed: Typed) -> Plan:
    """The plan as this user's own: whatever acts is what he has typed, and data sets are looked for on this host."""
    config = {**plan.config, **{name: msgspec.to_builtins(getattr(typed.config, name)) for name in ACTING}}
    launcher = typed.launcher or "auto"
    setup = {
        "launcher": launcher,
        "root": str(typed.root.absolute()) if typed.root else None,
        "keras_spec": public(typed.keras_spec) if typed.keras_spec else None,
    }
    return msgspec.structs.replace(plan, config={**config, "launcher": launcher}, setup=setup, data={})


def shown_command(command: str | None) -> str:
    """A recorded command as a report may quote it, for people to paste: "" for one that is not ours, or not one."""
    try:
        words = shlex.split(command or "")
    except ValueError:
        return ""
    ours = words[:1] == ["orchestrate"] and shlex.join(words) == command
    return shlex.join(map(public, words)) if ours else ""


def acts(command: str) -> bool:
    """Whether a command names anything that it would start, open or give up, beside stacks, workloads and amounts."""
    words = [part for word in shlex.split(command) for part in word.split("=", 1)]
    return any(word in ACTING_OPTIONS or "/" in word or word.endswith((".py", ".yaml", ".yml")) for word in words)


def typed_config(typed: Mapping[str, object]) -> Config:
    """What was typed of a configuration, on top of the defaults."""
    given = typed.get("config", Config())
    assert isinstance(given, Config)
    return override(given, **{name: value for name, value in typed.items() if name != "config"})


def typed_launcher(typed: Mapping[str, object]) -> str | None:
    """The launcher that was typed, as an option or in a file of --config."""
    chosen = typed_config(typed).launcher
    return chosen if "launcher" in typed or chosen != "auto" else None


def _images(results: Mapping[str, Result]) -> list[str]:
    prints = [result.fingerprint for result in results.values() if result.fingerprint]
    return sorted({f"{each.image_digest}" for each in prints if each.image_digest})


def _data(plan: Plan) -> list[str]:
    return [f"{file.dataset} {file.path} ({file.kind})" for file in plan.data.values()]


def _short(value: Any) -> str:
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        usual = msgspec.to_builtins(type(value)())
        plain = {name: each for name, each in plain.items() if each != usual[name]}
    return msgspec.json.encode(plain).decode()
