"""What a report is made of, and how it comes from merged runs and the catalog."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.model import Noun, Row, Stack, Workload
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.names import Names, Recorded, names, recorded
from orchestrator.report.published import Source, sources
from orchestrator.report.style import title
from orchestrator.report.tasks import About
from orchestrator.results.collect import Merged
from orchestrator.stats.repeats import TRAIN, mode_of
from orchestrator.stats.sweeps import KEEPS_WORK, axes_of
from orchestrator.text import listed

#: The question, of the project's models and of files of one's own, by what was timed.
TITLES = {
    "train": ("Which Keras backend trains fastest here?", "Which backend trains {} fastest here?"),
    "predict": ("Which Keras backend answers fastest here?", "Which backend answers fastest with {} here?"),
    "generate": ("Which Keras backend makes tokens fastest here?", "Which backend makes tokens fastest with {} here?"),
}
#: Files of one's own that a report's title names.
MOST_FILES = 3


class Published(Noun, frozen=True, kw_only=True):
    """One figure of the article: seconds per epoch, which are the whole of fit() over the number of epochs."""

    workload: str
    backend: str
    s_per_epoch: float
    epochs: int
    runs: int | None
    confidence: str
    source: str


class Slip(Noun, frozen=True, kw_only=True):
    """One known error of the article or of its translations."""

    what: str
    text: str
    source: str


class Reference(Noun, frozen=True, kw_only=True):
    """The article's figures to stand beside ours: the file of the folder reference/."""

    title: str
    url: str
    gpu: str
    host: str
    scale: str
    baseline: str
    notebooks: str
    figures: list[Published]
    errors: list[Slip] = []


class ReportInput(Struct, kw_only=True):
    """What a report is made of.

    rows         one per planned job: the result columns by their public names, None or absent where
                 not measured. Beside those, where known: variant, released ("2024-03"), article
                 (whether its stack is one of the article's), own (its stack is somebody's file), scale,
                 launcher, threads, data_kind, train, validation, cache ("cold" or "warm"), command
                 (to run this job alone), log_tail (last lines of its log), about
                 (what the catalog says of its workload: tasks.About), called (its name for people;
                 its id where that is not known).
    epochs       one per epoch: run_id, job_id, epoch (1-based), elapsed_s (since fit()), train_s,
                 validation_s, loss, acc, val_loss, val_acc.
    samples      one per reading: run_id, job_id, t_s (since the job started), cpu_percent (100 is one
                 core), rss_mb.
    gpu          one per reading of a GPU: run_id, job_id, t_s, util (percent), power_w, mem_mb, throttled;
                 and where the card tells it: sm_active, sm_occupancy, tensor_active, dram_active (percent),
                 pcie_received_mib_s, pcie_sent_mib_s.
    marks        one per epoch on a GPU: run_id, job_id, epoch, begin_s and end_s (since the job started).
    deviations   from the article: stack, what, article, here, why, device, backend.
    environment  (name, value) pairs in the order to show.
    notes        further plain sentences for the top of the report.

    The `run_id` of epochs and samples may be left out where only one run is reported.
    """

    title: str
    run_ids: list[str]
    created: str
    rows: list[Row]
    epochs: list[Row] = []
    samples: list[Row] = []
    gpu: list[Row] = []
    marks: list[Row] = []
    deviations: list[Row] = []
    environment: list[tuple[str, str]] = []
    plan_command: str = ""
    #: The command that asks for the same as a new run, so that it can have more repeats; "" where none is known.
    asked: str = ""
    #: What an hour of the machine costs, in whatever currency.
    price: float | None = None
    notes: list[str] = []
    #: The article's figures to stand beside ours, and those of others.
    reference: Reference | None = None
    sources: list[Source] = []


def report_input(
    merged: Merged, catalog: Catalog, command: str, created: str, price: float | None = None
) -> ReportInput:
    """What the report shows of merged runs. `command` makes all of it again; `created` is a time for people."""
    known = {stack.name: stack for stack in catalog.stacks}
    about = {workload.name: _about(place, workload) for place, workload in enumerate(catalog.workloads)}
    by_run: dict[str, list[Row]] = {}
    for row in merged.rows:
        by_run.setdefault(row["run_id"], []).append(row)
    its = {run: called(rows, catalog) for run, rows in by_run.items()}
    rows = [
        {
            **row,
            "learned": learned(row, catalog),
            "called": its[row["run_id"]].job(recorded(row)),
            "about": about.get(row["workload"]),
            **_stack_part(row, known.get(row["stack"])),
            "log_tail": merged.logs.get(f"{row['run_id']}/{row['job_id']}", ""),
        }
        for row in merged.rows
    ]
    used = {(row["stack"], row["device"]) for row in merged.rows if row.get("variant") != "own"}
    deviations = [
        {"stack": stack.name, **msgspec.to_builtins(deviation)}
        for stack in catalog.stacks
        for deviation in stack.deviations
        if any(name == stack.name and deviation.device in (None, device) for name, device in used)
    ]
    return ReportInput(
        title=_title(merged.rows),
        run_ids=merged.run_ids,
        created=created,
        rows=rows,
        epochs=[{**epoch, "elapsed_s": epoch["elapsed"]} for epoch in merged.epochs],
        samples=merged.samples,
        gpu=merged.gpu,
        marks=merged.marks,
        deviations=deviations,
        environment=[*merged.environment, *_as_found(rows)],
        notes=[*merged.notes, *_declared(rows, catalog)],
        plan_command=command,
        price=price,
        reference=read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference),
        sources=sources(),
    )


def _declared(rows: Sequence[Row], catalog: Catalog) -> list[str]:
    """What is known beforehand of cells that ran: their models do not take the steps that others take."""
    ran = {(row["stack"], row["workload"]) for row in rows if row.get("status") == "ok"}
    return [
        f"{stack.title}: {each.workload} does not take the same steps as on others"
        f"{f' (its losses differ by {each.measured:.1g})' if each.measured else ''}: {each.why}."
        for stack in catalog.stacks
        for each in stack.declared
        if each.runs and (stack.name, each.workload) in ran
    ]


def _stack_part(row: Row, stack: Stack | None) -> Row:
    """What a row says of its stack. The month is that of the versions that ran, where they are on record."""
    if stack is None:
        return {"article": False, "own": False}
    released = row.get("released") or stack.released_with(row.get("backend") or "")
    return {"released": released, "article": stack.article, "own": stack.own is not None}


def called(rows: Sequence[Row], catalog: Catalog) -> Names:
    """What people call the jobs of one run, as while they ran; what is not in this catalog by what its rows tell."""
    found = names(map(recorded, rows), catalog.workloads, catalog.stacks)
    files = {row["workload"]: str(row["file"]) for row in rows if row.get("file")}
    told = sorted(rows, key=lambda row: bool(row.get("framework_version")))  # a job that ended early knew no version
    measured = {f"{job.stack}/{job.backend}": _measured(job, row, found) for row in told if (job := recorded(row))}
    return msgspec.structs.replace(found, workloads={**files, **found.workloads}, contenders=measured)


def _measured(job: Recorded, row: Row, planned: Names) -> str:
    """The contender of a row; the version that it ran goes before the one that is planned today."""
    name = planned.contenders.get(f"{job.stack}/{job.backend}", "")
    version = row.get("framework_version")
    told = " ".join(filter(None, [title(job.backend), version]))
    if name and (not version or told.startswith(name.partition(" in ")[0])):
        return name
    return f"{told} in {job.stack}" if " in " in name else told


#: The place of files of one's own among the models.
LAST = 10**6


def _about(place: int, workload: Workload) -> About:
    """Files of one's own stand behind the others, by their names: their place in a catalog says nothing."""
    whole = max((scale.train for scale in workload.scales.values()), default=None)
    return About(
        workload.title, workload.kind, workload.unit, LAST if workload.brought else place, whole, workload.note
    )


def _as_found(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The environments that were there before, which nobody can rebuild; plan.json has their packages."""
    found = {str(row["stack"]): str(row["found"]) for row in rows if row.get("found")}
    return [(f"environment {stack}", f"{title}; cannot be rebuilt") for stack, title in found.items()]


def _title(rows: Sequence[Row]) -> str:
    """The question; of files of one's own alone by their names, where they are few."""
    files = sorted({str(row.get("file") or "") for row in rows})
    ours, own = TITLES[mode_of(rows[0]) if rows else TRAIN]
    return ours if "" in files or len(files) > MOST_FILES else own.format(listed(files))


def with_learned(rows: Sequence[Row], catalog: Catalog) -> Sequence[Row]:
    """The rows with `learned`, without which a model that does not learn could win. They are changed where they are:
    copies of a hundred thousand take a gigabyte."""
    for row in rows:
        row["learned"] = learned(row, catalog)
    return rows


def learned(row: Row, catalog: Catalog) -> float | None:
    """The validation accuracy that counts as learning for this row; None where it cannot be judged."""
    if mode_of(row) != TRAIN:
        return None
    if row.get("variant") == "own":  # its file was read when the run was planned
        return row.get("learned")
    workload = next((w for w in catalog.workloads if w.name == row["workload"]), None)
    scale = workload.scales.get(row["scale"]) if workload else None
    if axes_of(row.get("axes")).keys() - KEEPS_WORK:  # a gate for other steps, or another optimizer
        return None
    if workload is None or scale is None or row["data_kind"] == "synthetic" or row["epochs"] < scale.epochs:
        return None
    return workload.learned.get(row["scale"])
