"""Merges recorded runs and writes what people read: results.*, epochs.csv, the report, its charts."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import rich.box
from rich.console import Console
from rich.table import Table

from orchestrator import gpu_figures, merge, records
from orchestrator.catalog import PACKAGE, Catalog, read_yaml
from orchestrator.model import NOT_RUN, Result
from orchestrator.report import Report, ReportInput
from orchestrator.report_article import Reference
from orchestrator.tablefiles import document, to_csv, write_parquet

Row = dict[str, Any]


class Merged(msgspec.Struct, frozen=True):
    """Several runs as tables. `rows`: one per planned job; `epochs` and `samples`: see merge."""

    rows: list[Row]
    epochs: list[Row]
    samples: list[Row]
    run_ids: list[str]
    environment: list[tuple[str, str]]
    logs: dict[str, str]
    #: Readings of the GPUs for drawing, and the moments of the epochs beside them.
    gpu: list[Row] = []
    marks: list[Row] = []
    #: Sentences for the top of the report.
    notes: list[str] = []


def merge_runs(folders: Sequence[records.RunFolder]) -> Merged:
    """Reads the runs; raises UserError for one that is damaged."""
    merged = Merged(rows=[], epochs=[], samples=[], run_ids=[], environment=[], logs={})
    everything: list[Result] = []
    for folder in folders:
        plan, results = folder.plan(), folder.results()
        samples = {job.id: folder.samples(job) for job in plan.planned}
        readings = {job_id: folder.gpu_samples(result) for job_id, result in results.items()}
        rows = merge.merge_run(plan, results, samples, readings)
        ordered = [results[job.id] for job in plan.planned if job.id in results]
        merged.rows.extend(rows)
        merged.epochs.extend(merge.epoch_rows(ordered, readings))
        for result in ordered:
            merged.gpu.extend(gpu_figures.chart_rows(result, readings[result.job.id]))
            merged.marks.extend(gpu_figures.epoch_marks(result))
            rows_of_samples = merge.sample_rows(result.job.id, samples[result.job.id], result.launched_t)
            merged.samples.extend({**row, "run_id": plan.run_id} for row in rows_of_samples)
        merged.run_ids.append(plan.run_id)
        everything.extend(ordered)
        failed = [row["job_id"] for row in rows if row["status"] not in {"ok", *NOT_RUN}]
        for job in plan.planned:
            if job.id in failed:
                merged.logs[f"{plan.run_id}/{job.id}"] = folder.log_tail(job)
    return msgspec.structs.replace(merged, environment=environment(everything))


def write_tables(merged: Merged, out: Path) -> None:
    """results.json (the same document as --json), results.csv, results.parquet, epochs.csv, per-job epoch CSVs."""
    records.write_atomic(out / "results.json", document(merged.rows))
    records.write_atomic(out / "results.csv", to_csv(merged.rows, merge.COLUMNS))
    records.write_atomic(out / "epochs.csv", to_csv(merged.epochs, merge.EPOCH_COLUMNS))
    write_parquet(merged.rows, merge.COLUMNS, out / "results.parquet")


def report_input(merged: Merged, catalog: Catalog, command: str, created: str) -> ReportInput:
    """What the report shows of merged runs."""
    eras = {stack.name: stack.era for stack in catalog.stacks}
    rows = [
        {
            **row,
            "era": eras.get(row["stack"]),
            "learned": learned(row, catalog),
            "log_tail": merged.logs.get(f"{row['run_id']}/{row['job_id']}", ""),
        }
        for row in merged.rows
    ]
    used = {(row["stack"], row["device"]) for row in merged.rows}
    deviations = [
        {"stack": stack.name, **msgspec.to_builtins(deviation)}
        for stack in catalog.stacks
        for deviation in stack.deviations
        if any(name == stack.name and deviation.device in (None, device) for name, device in used)
    ]
    return ReportInput(
        title="Keras backends compared",
        run_ids=merged.run_ids,
        created=created,
        rows=rows,
        epochs=[{**epoch, "elapsed_s": epoch["elapsed"]} for epoch in merged.epochs],
        samples=merged.samples,
        gpu=merged.gpu,
        marks=merged.marks,
        deviations=deviations,
        environment=merged.environment,
        notes=merged.notes,
        plan_command=command,
        reference=read_yaml(PACKAGE / "reference" / "bhatia-2017.yaml", Reference),
    )


def learned(row: Row, catalog: Catalog) -> float | None:
    """The validation accuracy that counts as learning for this row; None where it cannot be judged."""
    workload = next((w for w in catalog.workloads if w.name == row["workload"]), None)
    scale = workload.scales.get(row["scale"]) if workload else None
    if workload is None or scale is None or row["data_kind"] == "synthetic" or row["epochs"] < scale.epochs:
        return None
    return workload.learned.get(row["scale"])


def distinct(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Every `what` once, with all the values that occur."""
    seen: dict[str, dict[str, None]] = {}
    for what, value in pairs:
        if value not in (None, "", []):
            seen.setdefault(what, {})[str(value)] = None
    return [(what, "; ".join(values)) for what, values in seen.items()]


def environment(results: Sequence[Result]) -> list[tuple[str, str]]:
    """(what, value) pairs; where runs or jobs differ, every value that occurs."""
    return distinct(
        pair
        for result in results
        if (f := result.fingerprint) is not None
        for pair in (
            ("host", f"{f.host}, a node of {f.cluster}" if f.cluster else f.host),
            ("processor", f"{f.cpu}, {f.cores} cores in use"),
            ("memory", f"{f.memory_mb / 1024:.1f} GiB"),
            ("operating system", f.os),
            ("GPU", f.gpu_name),
            ("compute capability", f.compute_capability),
            ("driver", f.driver),
            ("GPU handed to jobs by", f.gpu_route),
            ("launcher", f.launcher),
            ("threads per job", f.threads),
            ("pinned to cores", ", ".join(map(str, f.pinned_cores))),
            ("orchestrator", f"{f.orchestrator}, commit {f.commit}" if f.commit else f.orchestrator),
            *(("not confined", point) for point in f.unconfined),
            ("workloads (sha256)", f.workloads_sha256),
            (f"data set {result.job.dataset}", f"{f.data_kind}, sha256 {f.data_sha256}"),
            (f"image of {result.job.stack}", f"{f.image} {f.image_digest}" if f.image else f.image_digest),
        )
    )


def write_report(report: Report, out: Path) -> None:
    for name, content in report.files().items():
        records.write_atomic(out / name, content)


def text_summary(rows: Sequence[Row]) -> str:
    """The matrix for a terminal: workloads down, backends across, steady seconds per epoch."""
    columns = sorted({column_name(row) for row in rows})
    table = Table(box=rich.box.SIMPLE_HEAD)
    table.add_column("workload")
    for column in columns:
        table.add_column(column, justify="right")
    for workload in dict.fromkeys(row["workload"] for row in rows):
        line = [row for row in rows if row["workload"] == workload]
        best = min((row["epoch_s"] for row in line if row["epoch_s"] and row["status"] == "ok"), default=None)
        table.add_row(workload, *(_cell([r for r in line if column_name(r) == c], best) for c in columns))
    title = "training seconds per epoch after the first (median); * is the best of its row\n"
    return title + _rendered(table, max(80, 16 + 26 * len(columns)))


def _rendered(table: Table, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(table)
    return text.getvalue()


def closing_lines(rows: Sequence[Row], out: Path) -> list[str]:
    """The last words of a run: how many jobs are ok, what failed and why, what was left out, where the report is."""
    meant = [row for row in rows if row["status"] not in NOT_RUN]
    lines = [f"{sum(row['status'] == 'ok' for row in meant)} of {len(meant)} jobs ok"]
    reasons: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["status"] != "ok":
            reasons.setdefault((row["status"], row["reason"]), []).append(row)
    for (status, reason), affected in reasons.items():
        kind = "stack" if status == "unsupported" else "job_id"
        names = sorted({row[kind] for row in affected})
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        lines.append(f"  {len(affected)} {status}: {shown}: {reason}")
    if any(row["data_kind"] == "synthetic" for row in rows):
        lines.append("SYNTHETIC data was used: accuracies say nothing about the real data sets.")
    return [*lines, f"report: {out / 'report.html'}"]


def column_name(row: Row) -> str:
    extra = [] if row["variant"] == "faithful" else [row["variant"]]
    return "\n".join([row["stack"].partition("-")[0] + f" {row['device']}", row["backend"], *extra])


def _cell(rows: Sequence[Row], best: float | None) -> str:
    times = [row["epoch_s"] for row in rows if row["status"] == "ok" and row["epoch_s"]]
    if not times:
        return ", ".join(sorted({row["status"] for row in rows})) or "-"
    middle = statistics.median(times)
    mark = " *" if best is not None and min(times) <= best else ""
    return f"{middle:.3g}{mark}"
