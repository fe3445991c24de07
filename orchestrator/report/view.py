"""What every section of a report may look at, worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.report.blocks import Drawn
from orchestrator.report.input import ReportInput
from orchestrator.report.layout import Layout, lay_out
from orchestrator.report.speeds import Speeds, speeds
from orchestrator.stats.repeats import TRAIN, mode_of

#: Contenders in one chart; its colours, marks and dashes tell far fewer apart.
MOST_DRAWN = 40
#: Jobs that a page lists one by one and holds for its downloads; with more it could hardly be opened.
MOST_LISTED = 5_000
#: Run and job. The run is None where only one run is reported.
JobKey = tuple[str | None, str]


class View(Struct, frozen=True):
    """A report's rows, sorted and ranked.

    report     what the report was asked to show
    rows       one per planned job: those of `report`, with `reached_s`: seconds since fit() to the end of the first
               epoch that reached `learned`, None where none did
    layout     the rows as a matrix of tasks and contenders
    speeds     how fast each cell is
    steady     training seconds of every epoch but the first, by job
    epochs, samples, gpu, marks
               those of `report`, each with the `run_id`, `repeat` and `status` of its row, and `job`, `column` and
               `line`: the positions of its row, its contender and its task
    drawn      its charts
    """

    report: ReportInput
    rows: list[Row]
    layout: Layout
    speeds: Speeds
    steady: dict[JobKey, list[float]]
    epochs: list[Row]
    samples: list[Row]
    gpu: list[Row]
    marks: list[Row]
    drawn: Drawn = Drawn()

    @property
    def mode(self) -> str:
        """What its jobs timed: one thing, for runs of several are never merged (results/merged_set.py)."""
        return mode_of(self.rows[0]) if self.rows else TRAIN

    @property
    def drawable(self) -> bool:
        """Whether charts can tell the contenders apart."""
        return len(self.layout.contenders) <= MOST_DRAWN

    @property
    def listable(self) -> bool:
        """Whether the page can list its jobs one by one."""
        return len(self.rows) <= MOST_LISTED


def make_view(report: ReportInput) -> View:
    """Sort and rank the rows. Raises ValueError where an epoch or a reading belongs to no row, or to several."""
    rows = _timed_to_accuracy(report.rows, report.epochs)
    layout = lay_out(rows)
    epochs, samples, gpu, marks = (
        list(_placed(points, rows, layout)) for points in (report.epochs, report.samples, report.gpu, report.marks)
    )
    steady: dict[JobKey, list[float]] = {}
    for epoch in epochs:
        if epoch["epoch"] > 1:
            steady.setdefault((epoch["run_id"], epoch["job_id"]), []).append(epoch["train_s"])
    ranked = speeds(layout, lambda row: steady.get((row.get("run_id"), row["job_id"]), []))
    return View(report, rows, layout, ranked, steady, epochs, samples, gpu, marks)


def _timed_to_accuracy(rows: Sequence[Row], epochs: Sequence[Row]) -> list[Row]:
    """The rows with `reached_s`."""
    by_job: dict[JobKey, list[Row]] = {}
    for epoch in epochs:
        by_job.setdefault((epoch.get("run_id"), epoch["job_id"]), []).append(epoch)

    def reached(row: Row) -> float | None:
        wanted = row.get("learned")
        its = by_job.get((row.get("run_id"), row["job_id"])) or by_job.get((None, row["job_id"])) or []
        times = [e["elapsed_s"] for e in its if wanted is not None and (e["val_acc"] or 0) >= wanted]
        return min(times, default=None)

    return [{**row, "reached_s": reached(row)} for row in rows]


def _placed(points: Sequence[Row], rows: Sequence[Row], layout: Layout) -> Iterator[Row]:
    """Each epoch or reading with what is known of its job."""
    known: dict[JobKey, set[int]] = {}
    for i, row in enumerate(rows):
        known.setdefault((row.get("run_id"), row["job_id"]), set()).add(i)
        known.setdefault((None, row["job_id"]), set()).add(i)
    for point in points:
        owners = known.get((point.get("run_id"), point["job_id"]), set())
        if len(owners) != 1:
            raise ValueError(f"{len(owners)} rows for job {point['job_id']!r} of run {point.get('run_id')!r}")
        (owner,) = owners
        column, line = layout.places[owner]
        from_row = {name: rows[owner].get(name) for name in ("run_id", "repeat", "status")}
        yield {**point, **from_row, "job": owner, "column": column, "line": line}
