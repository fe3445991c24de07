"""Made-up runs of a results folder. NOT measurements: plans, digests and tables as runs leave them, from a formula."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.history.digest import DIGEST, digest
from orchestrator.model import Plan, to_json
from orchestrator.results.columns import COLUMNS
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import write_run_manifest
from orchestrator.results.rows import merge_run
from tests.make import FINGERPRINT, epoch, make_job, make_plan, make_result

BEGIN = datetime.datetime(2026, 3, 1, 2, 0, tzinfo=datetime.timezone.utc)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def run_id(night: int, tail: str = "00abcd") -> str:
    return f"{BEGIN + datetime.timedelta(days=night):%Y%m%d-%H%M%S}-{tail}"


def write_run(results: Path, plan: Plan, rows: list[dict[str, Any]], ended: bool = True) -> Path:
    """A run's folder with its plan and its table; `ended` also with what the end of a run writes."""
    results.mkdir(parents=True, exist_ok=True)
    folder = RunFolder.create(results, plan)
    folder.path.joinpath("results.json").write_bytes(to_json({"results": rows}))
    if ended:
        folder.path.joinpath(DIGEST).write_bytes(to_json(digest(plan, rows)))
        write_run_manifest(folder.path, set())
    return folder.path


def night(
    results: Path, number: int, cells: dict[str, Iterable[float | None]], tail: str = "00abcd", **columns: Any
) -> Path:
    """One night's run: `cells` holds the seconds per epoch of the repeats by backend; None is a repeat that failed."""
    stamp = (BEGIN + datetime.timedelta(days=number)).isoformat(timespec="seconds")
    jobs, rows = [], []
    for backend, times in cells.items():
        for repeat, seconds in enumerate(times, 1):
            job = make_job(stack="keras3-today", backend=backend, repeat=repeat, epochs=3)
            jobs.append(job)
            rows.append(_row(run_id(number, tail), stamp, job, seconds, columns))
    plan = make_plan(run_id=run_id(number, tail), created=stamp, jobs=jobs)
    return write_run(results, plan, rows)


def _row(run: str, stamp: str, job: Any, seconds: float | None, columns: dict[str, Any]) -> dict[str, Any]:
    known = {
        **dict.fromkeys(COLUMNS),
        **msgspec.to_builtins(job),
        "run_id": run,
        "job_id": job.id,
        "axes": job.axes_text,
    }
    machine = {
        "host": "night-host", "machine": "a1", "cpu": "Imaginary 1234", "cores": 4, "memory_gib": 8.0, "os": "Debian",
        "kernel": "6.1.0", "virtualization": "none", "launcher": "process", "workloads_sha256": "cd" * 32,
        "data_sha256": "ef" * 32, "data_kind": "given", "framework_version": "2.0", "keras_version": "3.15.1",
        "image_digest": "lock:1", "started": stamp, "ended": stamp,
    }  # fmt: skip
    outcome: dict[str, Any] = {"status": "ok", "reason": "", "epoch_s": seconds, "epoch_s_n": 2, "loss": 0.5}
    if seconds is None:
        outcome = {"status": "failed", "reason": "RuntimeError: made up", "epoch_s": None}
    row = {**known, **machine, **outcome, **columns}
    return {name: row.get(name) for name in COLUMNS}


def recorded_night(results: Path, number: int, cells: dict[str, Iterable[float | None]], keras_spec: str) -> Path:
    """As `night`, with a record of each job, from which the table is made: for those who read records."""
    stamp = (BEGIN + datetime.timedelta(days=number)).isoformat(timespec="seconds")
    made = []
    for backend, times in cells.items():
        for repeat, seconds in enumerate(times, 1):
            job = make_job(stack="keras3-today", backend=backend, repeat=repeat, epochs=3)
            print_ = msgspec.structs.replace(FINGERPRINT, keras_spec=keras_spec)
            fields = {"run_id": run_id(number), "started": stamp, "ended": stamp, "fingerprint": print_}
            if seconds is None:
                made.append(make_result(job, **fields, status="failed", reason="RuntimeError: made up", epochs=[]))
            else:
                epochs = [epoch(i, seconds, 0.1, 100.0 + 2 * i) for i in (1, 2, 3)]
                made.append(make_result(job, **fields, epochs=epochs))
    plan = make_plan(run_id=run_id(number), created=stamp, jobs=[result.job for result in made])
    rows = merge_run(plan, {result.job.id: result for result in made}, {})
    path = write_run(results, plan, rows)
    for result in made:
        RunFolder(path).write_result(result)
    return path
