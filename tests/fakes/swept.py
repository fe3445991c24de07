"""Made-up runs that vary settings. NOT measurements: times by a formula of the settings, a little apart by repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from orchestrator.report.input import ReportInput
from tests.fakes.made_up import recorded

#: Seconds of an epoch of a row at its settings, or what else became of its job.
Takes = Callable[[dict[str, Any], Mapping[str, str]], float | dict[str, Any]]
EPOCHS = 3


def swept(settings: Sequence[Mapping[str, str]], takes: Takes, repeats: int = 5, stacks: int = 3) -> ReportInput:
    """Every contender at every setting, with what it asked for and got."""
    plain = recorded(workloads=["mnist_mlp"], stacks=stacks, repeats=repeats)
    made = [_at(row, axes, takes) for axes in settings for row in plain.rows]
    return replace(plain, rows=[row for row, _ in made], epochs=[e for _, its in made for e in its], samples=[])


def _at(row: dict[str, Any], axes: Mapping[str, str], takes: Takes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    text = " ".join(f"{name}={value}" for name, value in axes.items())
    job = ".".join([row["job_id"], *(f"{name}-{value}" for name, value in axes.items())])
    known = {name: int(value) for name, value in axes.items() if name in ("batch_size", "threads")}
    found = takes(row, axes)
    got = found if isinstance(found, dict) else {"epoch_s": found}
    row = {**row, **known, "job_id": job, "axes": text, "axes_got": text, "epoch_s": None, "samples_per_s": None, **got}
    if row["status"] != "ok":
        return row, []
    seconds = row["epoch_s"] * (1 + 0.01 * row["repeat"])
    row |= {"epoch_s": seconds, "samples_per_s": row["train"] / seconds}
    return row, [_epoch(row, number) for number in range(1, EPOCHS + 1)]


def _epoch(row: dict[str, Any], number: int) -> dict[str, Any]:
    shared = {name: row[name] for name in ("run_id", "job_id") if name in row}
    figures = dict.fromkeys(("loss", "acc", "val_loss", "val_acc"), 0.9)
    return {**shared, "epoch": number, "elapsed_s": number, "train_s": row["epoch_s"], "validation_s": 0.1, **figures}
