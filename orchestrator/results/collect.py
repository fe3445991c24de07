"""Reads recorded runs, or a merged set of runs, as the tables that are exported and reported."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import doors, extras
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.files import disk_errors, write_atomic
from orchestrator.model import (
    NOT_RUN,
    PENDING,
    RUNNING,
    UNFINISHED,
    Job,
    Plan,
    Result,
    Row,
    Sample,
    to_json,
    without_record,
)
from orchestrator.results import gpu_figures, named_files
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS
from orchestrator.results.export import to_csv, write_parquet
from orchestrator.results.folder import RunFolder
from orchestrator.results.own_figures import for_programs
from orchestrator.results.rows import epoch_rows, merge_run, sample_rows, single_jobs
from orchestrator.results.samples import Readings
from orchestrator.results.source import (
    DAMAGED,
    MOST,
    gpu_samples,
    in_words,
    note,
    opened_set,
    read_source,
    refuse_modes,
    table_files,
)
from orchestrator.text import plural, public

#: Curves are not drawn from more samples than this: nobody could tell so many lines apart.
MOST_READINGS = 1_000_000


class Merged(msgspec.Struct, frozen=True):
    """Several runs as tables: rows of jobs, epochs and samples, as `results.rows` makes them.

    `environment`: (what, value) pairs of what the jobs ran on. `logs`: the last lines of jobs that failed, by
    "<run id>/<job id>".
    """

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


def merge_runs(folders: Sequence[RunFolder]) -> Merged:
    """The tables of these runs. Raises UserError for a run whose plan cannot be read, and for runs of several modes."""
    merged = Merged(rows=[], epochs=[], samples=[], run_ids=[], environment=[], logs={}, notes=[])
    everything: list[Result] = []
    for folder, plan, results in _each_job_once(folders, merged.notes):
        rows, now = [], folder.running()
        with folder.series_open():
            for one in single_jobs(plan):
                rows += _add_job(merged, folder, one, results, now)
        merged.notes.extend(_goes_on(plan.run_id, rows))
        merged.rows.extend(rows)
        merged.run_ids.extend({plan.run_id} - set(merged.run_ids))
        everything.extend(results[job.id] for job in plan.planned if job.id in results)
        failed = {row["job_id"] for row in rows if row["status"] not in {"ok", *UNFINISHED, *NOT_RUN}}
        for job in plan.planned:
            if job.id in failed:
                merged.logs[f"{plan.run_id}/{job.id}"] = public(folder.log_tail(job))
    refuse_modes(merged.rows)
    return msgspec.structs.replace(merged, environment=environment(everything))


def _goes_on(run_id: str, rows: Sequence[Row]) -> list[str]:
    """How far a run is that is not over yet."""
    running, waiting = (sum(row["status"] == status for row in rows) for status in (RUNNING, PENDING))
    if not running + waiting:
        return []
    done = f"{len(rows) - running - waiting} of {plural(len(rows), 'job')}"
    return [f"Run {run_id} still goes on: {done} are done, {running} running, {waiting} waiting."]


def _add_job(
    merged: Merged, folder: RunFolder, one: Plan, results: Mapping[str, Result], now: set[str] | None
) -> list[dict[str, Any]]:
    """Adds what a plan of a single job left to the tables; gives its row. Its raw readings are not kept."""
    (job,) = one.planned
    mine = {job.id: results[job.id]} if job.id in results else {}
    samples, readings = folder.samples(job), gpu_samples(folder, mine, merged.notes)
    columns = {job.id: Readings.of(samples)}
    for result in mine.values():
        merged.epochs.extend(epoch_rows([result], readings, columns))
        merged.gpu.extend(gpu_figures.chart_rows(result, readings[job.id]))
        merged.marks.extend(gpu_figures.epoch_marks(result))
        if len(merged.samples) + len(samples) <= MOST_READINGS:
            drawn = sample_rows(job.id, samples, result.launched_t)
            merged.samples.extend({**row, "run_id": one.run_id} for row in drawn)
        else:
            note(
                merged.notes, f"Not all curves of processor and memory: there are more than {MOST_READINGS:,} readings."
            )
    return merge_run(one, mine, columns, readings, running=now)


def _each_job_once(
    folders: Sequence[RunFolder], notes: list[str]
) -> Iterator[tuple[RunFolder, Plan, dict[str, Result]]]:
    """Each run with the jobs that are taken from it, as a run may be given twice, or with a copy of it.

    A job is taken from the first folder whose record of it can be read, else from the first that has it.
    """
    read = [(folder, folder.plan(), folder.results()) for folder in folders]
    owner: dict[tuple[str, str], int] = {}
    better: set[tuple[str, str]] = set()
    for number, (_, plan, results) in enumerate(read):
        for job in plan.planned:
            key = (plan.run_id, job.id)
            if key not in owner or (key not in better and _is_readable(results.get(job.id))):
                owner[key] = number
            better |= {key} if _is_readable(results.get(job.id)) else set()
    twice = sum(len(plan.planned) for _, plan, _ in read) - len(owner)
    if twice:
        notes.append(f"{plural(twice, 'record')} left out, as other folders hold the same jobs.")
    for number, (folder, plan, results) in enumerate(read):
        mine = {job.id for job in plan.planned if owner[plan.run_id, job.id] == number}
        jobs, skipped = [j for j in plan.jobs if j.id in mine], [s for s in plan.skipped if s.job.id in mine]
        taken = msgspec.structs.replace(plan, jobs=jobs, skipped=skipped)
        yield folder, taken, {job_id: result for job_id, result in results.items() if job_id in mine}


def _is_readable(result: Result | None) -> bool:
    if result is None:
        return False
    launcher = result.fingerprint.launcher if result.fingerprint else None
    return not without_record({"launcher": launcher, "reason": result.reason})


def write_tables(merged: Merged, out: Path) -> Merged:
    """Write results.json (the same document as --json), results.csv, results.parquet and epochs.csv below `out`.

    Gives the runs again, with a note where DuckDB could not write results.parquet, or is not there. Raises HostError.
    """
    write_atomic(out / "results.json", to_json({"results": for_programs(merged.rows)}))
    write_atomic(out / "results.csv", to_csv(merged.rows, COLUMNS))
    write_atomic(out / "epochs.csv", to_csv(merged.epochs, EPOCH_COLUMNS))
    target = out / "results.parquet"
    try:
        write_parquet(merged.rows, COLUMNS, target)
        return merged
    except extras.Lacking:
        note = f"{target.name} is left out: {extras.lacking('tables')}."
    except OrchestrateError:
        raise
    except Exception as error:
        note = f"{target.name} could not be written ({in_words(error)})."
    with disk_errors(target):
        doors.remove(target)  # one of other rows would be worse than none
    return msgspec.structs.replace(merged, notes=[*merged.notes, note])


def distinct(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Each `what` once, with all its different values in order of appearance; empty values are left out."""
    seen: dict[str, dict[str, None]] = {}
    for what, value in pairs:
        if value not in (None, "", []):
            seen.setdefault(public(what), {})[public(str(value))] = None
    return [(what, "; ".join(values)) for what, values in seen.items()]


def environment(results: Sequence[Result]) -> list[tuple[str, str]]:
    """(what, value) pairs of what the jobs ran on; where jobs differ, every value that occurs."""
    return distinct(
        pair
        for result in results
        if (f := result.fingerprint) is not None
        for pair in (
            ("host", f"{f.host}, a node of {f.cluster}" if f.cluster else f.host),
            ("processor", f"{f.cpu}, {plural(f.cores, 'core')} in use"),
            ("memory", f"{f.memory_mb / 1024:.1f} GiB"),
            ("operating system", f.os),
            ("virtualization", f.virtualization),
            ("CPU quota", f"{f.cpu_quota:g} cores" if f.cpu_quota is not None else None),
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
            (_data_name(result.job), _data(f.data_kind, f.data_sha256)),
            (f"image of {result.job.stack}", f"{f.image} {f.image_digest}" if f.image else f.image_digest),
            (f"packages of {result.job.workload} on {result.job.stack} (sha256)", f.packages_sha256),
        )
    )


def _data_name(job: Job) -> str:
    return f"data set {job.dataset}" if job.dataset else f"data of {job.workload}"


def _data(kind: str | None, sha256: str | None) -> str | None:
    """A data set in words; nothing where a file of one's own brings its data, of which its own section tells."""
    if kind == "generated":
        return "generated by the model's own file, from the seed"
    return None if kind == "own" else f"{kind}, sha256 {sha256}"


def merged_set(path: Path) -> Merged:
    """The tables of the merged set in the folder `path`. Raises UserError for anything that is no set."""
    source = read_source(path)
    notes = [
        "Made from a merged set: logs, GPU timelines and commits are in the folders of the runs; curves of processor "
        "and memory start at the first reading of a job."
    ]
    jobs = {(row["run_id"], row["job_id"]) for row in source.rows}
    samples = list(_set_sample_rows(path, jobs))
    if not samples:
        notes.append(f"No curves of processor and memory: no readings, or more than {MOST_READINGS:,}.")
    return Merged(
        rows=source.rows,
        epochs=source.epochs,
        samples=samples,
        run_ids=list(dict.fromkeys(row["run_id"] for row in source.rows)),
        environment=environment_of_rows(source.rows),
        logs={},
        notes=notes,
    )


#: What a set's rows also tell of the machine: in words, and by its column.
SET_MACHINE = (
    *(("cores", "cores"), ("CPU quota (cores)", "cpu_quota"), ("memory (GiB)", "memory_gib")),
    *(("operating system", "os"), ("kernel", "kernel"), ("virtualization", "virtualization")),
)


def environment_of_rows(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(what, value) pairs of what the jobs ran on, as far as the rows of a set tell."""
    return distinct(
        pair
        for row in rows
        if row["host"]
        for pair in (
            *((what, row[name]) for what, name in (("host", "host"), ("processor", "cpu"), ("GPU", "gpu_name"))),
            *((what, row[what]) for what in ("driver", "launcher")),
            *((what, row.get(name)) for what, name in SET_MACHINE),
            ("threads per job", row["threads"]),
            ("workloads (sha256)", row["workloads_sha256"]),
            (f"data of {row['workload']}", _data(row["data_kind"], row["data_sha256"])),
            (f"image of {row['stack']}", row["image_digest"]),
            (f"packages of {row['workload']} on {row['stack']} (sha256)", row.get("packages_sha256")),
        )
    )


def _set_sample_rows(path: Path, jobs: Collection[tuple[str, str]]) -> Iterator[Row]:
    files = table_files(opened_set(path), "samples")
    with named_files.opened(files) as names, named_files.connect() as database:
        if named_files.refuse_many(database, names, files[0], MOST["samples"]) > MOST_READINGS:
            return
        columns = {"run_id": "VARCHAR", "job_id": "VARCHAR", "t": "DOUBLE", "device": "VARCHAR"}
        columns |= {"cpu_s": "DOUBLE", "rss_mb": "DOUBLE"}  # a set of an older version has no more
        chosen = ", ".join(f'"{name}"::{kind} as "{name}"' for name, kind in columns.items())
        readings = named_files.fetched(
            named_files.read_parquet(database, names).project(chosen).order("run_id, job_id, t"), files[0]
        )
    for reading in readings:
        if (reading["run_id"], reading["job_id"]) not in jobs or None in (reading["t"], reading["device"]):
            raise UserError(f"{files[0]}: a reading is of no job of the set, or has no time or device", DAMAGED)
    for (run_id, job_id), its in itertools.groupby(readings, key=itemgetter("run_id", "job_id")):
        samples = [Sample(**{name: reading[name] for name in list(columns)[2:]}) for reading in its]
        yield from ({**row, "run_id": run_id} for row in sample_rows(job_id, samples))
