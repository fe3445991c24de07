"""The columns of files of one's own: what was asked of them, what they were seen to do, and what the run brought.

A file of one's own decides how much it runs, so what a plan knows of the project's own workloads is a figure here. All
of it stands in columns, so that rows can be judged where the plan is not at hand, as in a merged set.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from orchestrator.model import Job, Plan, RawEvent, Result, Row, Workload
from orchestrator.results.columns import PACKED
from orchestrator.results.job_events import FitEvent, JobEvents, ReadyEvent, number, read
from orchestrator.stats.sweeps import KEEPS_WORK
from orchestrator.text import printable

#: Letters of one packed field, and further trainings of one job: beyond, a job writes no report of itself.
MOST_LETTERS, MOST_FITS = 60_000, 100
#: What is told of a further training.
FIT_FIELDS = ("fit", "epochs", "first_epoch_s", "epoch_s", "validation_s", "parameters", "samples", "seconds")
#: The weights of the untrained model were the same arrays on every backend.
EQUAL = "equal"


def job_part(result: Result, events: JobEvents) -> Row:
    """What was asked of a file of one's own, and what it did."""
    job, ready = result.job, events.ready
    last = events.epochs[-1] if events.epochs else None
    return {
        **{f"asked_{name}": getattr(job, name) for name in ("epochs", "batch_size", "steps")},
        "asked_arguments": shlex.join(job.arguments) or None,
        "epochs": len(events.epochs) or job.epochs,
        "batch_size": number(ready.settings.get("batch_size")) or job.batch_size,
        "samples": last.samples if last else None,
        "batches": last.batches if last else None,
        **_first_output(ready),
        "arrays": packed(ready.arrays),
        "settings": packed(ready.settings),
        "fits": packed([_fit(event) for event in result.fits[:MOST_FITS]]),
    }


def brought_part(plan: Plan, result: Result) -> Row:
    """What a run's plan says of a job's stack and, where it brought the workload or the stack, of these."""
    job = result.job
    part: Row = {"released": plan.released.get(f"{job.stack}/{job.backend}") or None}
    workload = next((each for each in plan.workloads if each.name == job.workload), None)
    if workload is not None and workload.own is not None:
        installed = read(ReadyEvent, result.ready).packages
        part |= {
            "file": printable(PurePath(workload.brought.path).name) if workload.brought else None,
            "learned": None if _is_synthetic(result) else _learned(job, workload),
            "packages": _packages(workload.own.packages, [str(each) for each in installed]),
            "network": "allowed" if plan.config.get("network") else "closed",
        }
    stack = next((each for each in plan.stacks if each.name == job.stack), None)
    if stack is not None:
        part |= {"found": stack.title if stack.found else None}
    return part


def packed(value: Any) -> str | None:
    """`value` as JSON in one field of a table; None for nothing, and for what is too long to be told."""
    if not value:
        return None
    try:
        text = msgspec.json.encode(value, order="sorted").decode()
    except UnicodeError:  # half a character
        return None
    return text if len(text) <= MOST_LETTERS else None


def unpacked(text: object) -> Any:
    """What a packed field holds; None for nothing, and for what is no JSON."""
    if not isinstance(text, str):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def for_programs(rows: Iterable[Row]) -> list[Row]:
    """The rows as JSON documents have them: packed fields as the lists and objects that they hold."""
    return [{**row, **{name: unpacked(row.get(name)) for name in PACKED if name in row}} for row in rows]


def _first_output(ready: ReadyEvent) -> Row:
    """Only of equal weights: those that each framework draws by itself say nothing of the model."""
    found = [number(value) for value in ready.first_output]
    if ready.settings.get("initial_weights") != EQUAL or len(found) != 2 or None in found:
        return {}
    return {"first_output_mean": found[0], "first_output_std": found[1]}


def _fit(event: RawEvent) -> Mapping[str, Any]:
    found = read(FitEvent, event)
    return {name: getattr(found, name) for name in FIT_FIELDS}


def _learned(job: Job, workload: Workload) -> float | None:
    """The validation accuracy that counts as learning; None where the file declares none, or less was asked of it."""
    scale = workload.scales.get(job.scale)
    less = job.epochs is not None and (scale is None or job.epochs < scale.epochs)
    return None if less or job.steps or job.axes.keys() - KEEPS_WORK else workload.learned.get(job.scale)


def _is_synthetic(result: Result) -> bool:
    return result.fingerprint is not None and result.fingerprint.data_kind == "synthetic"


def _packages(asked: Iterable[str], installed: Iterable[str]) -> str | None:
    """`pandas==2.2.3, keras-hub (got 0.29)`: what the file asks for, with the version where that leaves it open."""
    versions = dict(each.split("==", 1) for each in installed if "==" in each)
    told = []
    for each in asked:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", each.strip(), maxsplit=1)[0]).lower()
        got = versions.get(name)
        told.append(each if got is None or each.endswith(f"=={got}") else f"{each} (got {got})")
    return ", ".join(told) or None
