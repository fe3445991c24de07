"""What `--vary` names: settings of which a run has several values, all of them checked before anything runs. Pure.

Every combination of the values is run. An axis is one of AXES, or a parameter of a module of one's own: an argument of
its build() or data() that has a plain default.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from orchestrator.errors import UserError
from orchestrator.model import MOST_THREADS, DeviceKind, Job, Mode, Skip, Stack, Workload
from orchestrator.plan import pipelines
from orchestrator.text import one_line, suggest

#: What stands before the sign, and behind it; both are parts of names of folders and containers.
AxisName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}\Z")]
VALUE = re.compile(r"-?[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z", re.ASCII)
WHOLE, MOST_BATCH = re.compile(r"\d{1,9}\Z", re.ASCII), 10**7
SIGNED = re.compile(r"-?\d{1,18}\Z", re.ASCII)
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16", "tf32")
JITS = ("off", "on", "auto")
#: Modes of torch.compile beside its default, which is `on`.
TORCH_MODES = ("reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
OPTIMIZERS = ("sgd", "rmsprop", "adadelta", "adam", "adamw")
#: The axes of every workload, in the order in which they are told, and what each may be.
AXES = {
    "batch_size": f"whole numbers from 1 to {MOST_BATCH:,}",
    "precision": ", ".join(PRECISIONS),
    "jit": f"{', '.join(JITS)}; on PyTorch also {', '.join(TORCH_MODES)}",
    "threads": f"whole numbers from 1 to {MOST_THREADS:,}",
    "optimizer": ", ".join(OPTIMIZERS),
    "pipeline": ", ".join(pipelines.PIPELINES),
}
#: Axes that the jobs of a mode have no use for, each with the reason.
UNREACHED: dict[Mode, dict[str, str]] = {
    "train": {},
    "predict": {"optimizer": "trains, which {mode} does not", "pipeline": "feeds fit(), which {mode} does not call"},
    "generate": {
        "batch_size": "sets the samples of a call, and {mode} makes tokens one at a time",
        "optimizer": "trains, which {mode} does not",
        "pipeline": "feeds fit(), which {mode} does not call",
    },
}
#: Letters of a job's id, which is the name of its folder.
MOST_LETTERS = 200
#: The first Keras that has a thing; before it nobody can ask for it.
MIXED_SINCE, JIT_SINCE, ADAMW_SINCE = (2, 4), (2, 8), (3, 0)

Parameter = bool | int | float | str


def settled(vary: Mapping[str, Sequence[Parameter]]) -> dict[str, list[str]]:
    """The axes in the one order and the one writing that is recorded. Raises UserError for what is no value."""
    order = list(AXES)
    names = sorted(vary, key=lambda name: (order.index(name) if name in AXES else len(order), name))
    return {name: _texts(name, vary[name]) for name in names}


def _texts(name: str, values: Sequence[Parameter]) -> list[str]:
    if not values:
        raise UserError(f"--vary {name} has no value", f"write {name}=V1,V2")
    found = [_text(name, value) for value in values]
    for text in found:
        if not VALUE.match(text):
            raise UserError(
                f"--vary {name}: {one_line(text, 60)!r} is no value",
                "up to 40 letters and digits, with . _ - between them; a number may begin with - or .",
            )
    return list(dict.fromkeys(found))


def _text(name: str, value: Parameter) -> str:
    if isinstance(value, bool):  # YAML reads on and off as true and false
        return ("off", "on")[value] if name == "jit" else str(value).lower()
    text = re.sub(r"^(-?)\.(?=\d)", r"\g<1>0.", str(value).strip())  # .5 is written 0.5
    return str(int(text)) if name in ("batch_size", "threads") and WHOLE.match(text) else text


def combinations(vary: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every choice of one value for each axis; one of nothing where nothing is varied."""
    return [dict(zip(vary, values, strict=True)) for values in itertools.product(*vary.values())]


def folded(vary: Mapping[str, Sequence[str]], workloads: Sequence[Workload]) -> dict[str, list[str]]:
    """The axes with every value of a module's parameter once: equal numbers are one value, in the first writing."""
    return {name: _folded(values, _defaults(name, workloads)) for name, values in vary.items()}


def _defaults(name: str, workloads: Sequence[Workload]) -> list[Parameter]:
    """The default of a parameter in each workload that has it."""
    its = [workload.own.parameters.get(name) for workload in workloads if workload.own]
    return [default for default in its if default is not None]


def _folded(values: Sequence[str], defaults: Sequence[Parameter]) -> list[str]:
    if defaults and all(type(default) is bool for default in defaults):
        return list(dict.fromkeys(text.lower() if text.lower() in ("true", "false") else text for text in values))
    if defaults and all(type(default) is int for default in defaults):
        return list(dict.fromkeys(str(int(text)) if SIGNED.match(text) else text for text in values))
    if defaults and all(type(default) is float for default in defaults):
        first: dict[float | str, str] = {}
        for text in values:
            first.setdefault(float(text) if _is_like(text, 0.0) else text, text)
        return list(first.values())
    return list(values)


def check(
    vary: Mapping[str, Sequence[str]],
    workloads: Sequence[Workload],
    device: DeviceKind,
    scale: str,
    mode: Mode = "train",
) -> None:
    """Raises UserError for an axis or a value that a workload cannot have, or that `mode` has no use for."""
    for name, values in vary.items():
        for workload in workloads:
            _refuse_unreached(name, workload, mode)
            _refuse(name, values, workload, device)
            if mode == "train" and name == "batch_size":
                _refuse_large(max(map(int, values)), workload, scale)


def _refuse_unreached(name: str, workload: Workload, mode: Mode) -> None:
    """Whatever such an axis said, its values would differ by chance alone, and one would be called the fastest."""
    why = UNREACHED[mode].get(name)
    if why and not _defaults(name, [workload]):
        raise UserError(f"--vary {name} {why.format(mode=f'--mode {mode}')}", "leave out one of them")


def _refuse(name: str, values: Sequence[str], workload: Workload, device: DeviceKind) -> None:
    default = next(iter(_defaults(name, [workload])), None)
    if default is None and name not in AXES:
        known = [*AXES, *(workload.own.parameters if workload.own else ())]
        raise UserError(f"{workload.title} has nothing called {name!r} to vary", suggest(name, known, _can(known)))
    bad = next((text for text in values if not _fits(name, text, default)), None)
    if bad is not None:
        allowed = (
            _allowed(name, device)
            if default is None
            else f"{workload.title} has {name}={_text(name, default)}: {_like(default)}"
        )
        raise UserError(f"--vary {name}: {bad!r} is no {name.replace('_', ' ')}", allowed)
    if name == "precision" and default is None and "tf32" in values and device == "cpu":
        raise UserError("--vary precision=tf32 is for GPUs, and these jobs run on the CPU", _allowed(name, device))


def _refuse_large(batch: int, workload: Workload, scale: str) -> None:
    """Calls without training take their samples in turns, and have batches of any size."""
    known_scale = workload.scales.get(scale)
    if known_scale and batch > known_scale.train:
        raise UserError(
            f"--vary batch_size={batch}: {workload.title} trains on {known_scale.train:,} samples at scale {scale}",
            "choose a smaller batch, or a larger --scale",
        )


def _can(known: Sequence[str]) -> str:
    return f"it can vary {', '.join(known)}"


def _allowed(name: str, device: DeviceKind) -> str:
    there = [text for text in PRECISIONS if text != "tf32" or device != "cpu"]
    return f"allowed: {', '.join(there) if name == 'precision' else AXES[name]}"


def _like(default: Parameter) -> str:
    words = {bool: "true or false", int: "whole numbers", float: "numbers", str: "words"}
    return f"allowed: {words[type(default)]}"


def _fits(name: str, text: str, default: Parameter | None) -> bool:
    if default is not None:
        return _is_like(text, default)
    if name in ("batch_size", "threads"):
        most = MOST_BATCH if name == "batch_size" else MOST_THREADS
        return bool(WHOLE.match(text)) and 1 <= int(text) <= most
    choices = {"precision": PRECISIONS, "jit": (*JITS, *TORCH_MODES), "optimizer": OPTIMIZERS}
    return text in (choices | {"pipeline": pipelines.PIPELINES})[name]


def _is_like(text: str, default: Parameter) -> bool:
    """Whether a text is of the kind that a parameter's default is."""
    if isinstance(default, bool):
        return text in ("true", "false")
    if isinstance(default, str):
        return True
    try:
        return "_" not in text and math.isfinite(float(text)) if isinstance(default, float) else str(int(text)) == text
    except ValueError:
        return False


def split_unvaried(
    jobs: Sequence[Job], stacks: Sequence[Stack], workloads: Sequence[Workload]
) -> tuple[list[Job], list[Skip]]:
    """Jobs to run, and those whose stack has not what they ask for. Raises UserError for an id that is no file name."""
    known = {stack.name: stack for stack in stacks}
    whose = {workload.name: workload for workload in workloads}
    kept: list[Job] = []
    skipped: list[Skip] = []
    for job in jobs:
        if len(job.id) > MOST_LETTERS:
            raise UserError(f"{job.id[:60]}... is too long for the name of a folder", "vary fewer axes at a time")
        workload = whose.get(job.workload)
        its = workload.own.parameters if workload is not None and workload.own else {}
        general = {name: text for name, text in job.axes.items() if name not in its}
        stack = known[job.stack]
        why = lacking(general, stack, job.backend) or pipelines.lacking(general.get("pipeline", ""), stack, workload)
        if why:
            skipped.append(Skip(job=job, status="unsupported", reason=why))
        else:
            kept.append(job)
    return kept, skipped


def lacking(axes: Mapping[str, str], stack: Stack, backend: str) -> str:
    """Why a stack cannot run these settings, "" where it can. `axes`: those of AXES."""
    keras = f"Keras {stack.keras}"
    precision, jit, optimizer = (axes.get(name, "") for name in ("precision", "jit", "optimizer"))
    if precision.startswith("mixed_") and _before(stack, MIXED_SINCE):
        return f"{keras} has no mixed precision: 2.4 was the first"
    if precision == "tf32" and _before(stack, MIXED_SINCE):
        return f"{backend} of {stack.name} is older than TF32"
    if jit in TORCH_MODES and backend != "torch":
        return f"{jit} is a mode of torch.compile alone"
    if jit and _before(stack, JIT_SINCE):
        return f"{keras} has no jit_compile: 2.8 was the first"
    if optimizer == "adamw" and _before(stack, ADAMW_SINCE):
        return f"AdamW is an optimizer of Keras 3, and this is {keras}"
    return ""


def _before(stack: Stack, first: tuple[int, int]) -> bool:
    """Whether its Keras is older; one whose version is no number is taken for new."""
    numbers = re.match(r"(\d{1,4})\.(\d{1,4})", stack.keras)
    return bool(numbers) and (int(numbers[1]), int(numbers[2])) < first  # type: ignore[index]
