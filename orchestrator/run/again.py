"""The command that asks for what a plan has, where the one that made its run is not on record. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from orchestrator.errors import UserError
from orchestrator.model import Plan
from orchestrator.plan.config import Config, presets, recorded_config

#: Fields of a configuration that choose what is measured, and their options. None of them acts beyond the jobs.
CHOOSING = {
    "stacks": "--stack", "backends": "--backend", "workloads": "--workload", "variants": "--variant",
    "exclude": "--exclude", "device": "--device", "launcher": "--launcher", "scale": "--scale", "epochs": "--epochs",
    "steps": "--steps", "seed": "--seed", "deterministic": "--deterministic", "mode": "--mode",
    "predict_batch": "--predict-batch", "threads": "--threads",
    "parallel": "--parallel", "memory": "--memory",
}  # fmt: skip
#: A command with anything else that is not usual is no short one, or acts: none is made.
UNSAID = frozenset({"version", "description", "repeats", "timeout", "sample_hz", *CHOOSING})
#: What a stranger's plan may name in a command that people paste: no option, no path, no sign of a shell but a glob's.
NAME = re.compile(r"[\w*?\[][\w*?\[\].!+-]*\Z", re.ASCII)
#: Words of a command that people would still read.
MOST = 40


def composed(plan: Plan) -> str:
    """`orchestrate run --config modern --scale gpu`, without a number of repeats; "" where options cannot say it."""
    try:
        config = recorded_config(plan)
    except UserError:  # of another version, or nobody's
        return ""
    if plan.stacks or any(getattr(config, name) != getattr(Config(), name) for name in _fields() - UNSAID):
        return ""
    own = {each.name: PurePath(each.brought.path).name for each in plan.workloads if each.brought}
    files = list(own.values())
    config = msgspec.structs.replace(config, workloads=[name for name in config.workloads if name not in own])
    preset, base = next(
        ((name, known) for name, known in presets().items() if known.description == config.description), ("", Config())
    )
    options = [("--config", preset)] if preset else []
    options += _options(config, base, set() if config.workloads else {"workloads"})
    words = [*files, *(word for pair in options for word in pair if word)]
    if len(words) > MOST or not all(map(NAME.match, [*files, *(value for _, value in options if value)])):
        return ""
    return shlex.join(["orchestrate", "run", *words])


def _fields() -> set[str]:
    return {field.name for field in msgspec.structs.fields(Config)}


def _options(config: Config, base: Config, without: set[str]) -> Iterator[tuple[str, str]]:
    """What differs from `base`: options with their values, "" for one that needs none."""
    for name, option in CHOOSING.items():
        value = getattr(config, name)
        if name in without or value == getattr(base, name) or value is None:
            continue
        if value is True:
            yield option, ""
        for each in value if isinstance(value, list) else [] if isinstance(value, bool) else [value]:
            yield option, str(each)
