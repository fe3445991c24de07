"""Merges runs of any number of hosts into one set of tables: results, epochs, samples.

<set>/{set.json, results.parquet, results.json, results.csv, epochs.parquet, samples/*.parquet}

Every job of every run is in it once. The column `group` marks the rows that may be averaged: they agree in everything
that changes what a figure means. Samples are written a few jobs at a time, so a set may be larger than the memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from orchestrator import doors, extras
from orchestrator.errors import UserError
from orchestrator.files import disk_errors, remove_tree, write_atomic
from orchestrator.model import Noun, Row, Sample, to_json, without_record
from orchestrator.results import columns, named_files, source
from orchestrator.results.columns import EPOCH_COLUMNS
from orchestrator.results.export import to_csv, write_parquet
from orchestrator.results.folder import RunFolder, has_plan
from orchestrator.results.own_figures import for_programs
from orchestrator.results.rows import epoch_rows, merge_run, public_row, single_jobs
from orchestrator.results.samples import NUMBERS, WORDS, Readings
from orchestrator.results.source import MOST, is_set, opened_set, refuse_modes, table_files, tables_of_set
from orchestrator.stats.repeats import MACHINE, TRAIN, by_cell, mode_of, with_node_kind

#: Rows of one group are repeats of one thing: the same work (WORK), done by the same software and machine (DOER).
WORK = (
    *("workload", "variant", "scale", "epochs", "batch_size", "train", "validation"),
    *("data_sha256", "workloads_sha256", "deterministic"),
)
#: The same of files of one's own, which may stop early: the epochs that were asked for, and what they then did.
OWN_WORK = (
    *("workload", "variant", "scale", "asked_epochs", "asked_batch_size", "asked_steps", "asked_arguments"),
    *("batch_size", "train", "validation", "parameters", "samples", "batches", "data_sha256"),
    *("workloads_sha256", "deterministic"),
)
DOER = (
    *("stack", "backend", "framework_version", "keras_version", "image_digest", "packages_sha256"),
    *("device", "launcher", "threads", "gpu_name", "driver", *MACHINE),
)
COLUMNS = {**columns.COLUMNS, "group": "VARCHAR"}
#: The columns of samples as this version writes them, with their SQL types.
KINDS = {name: "DOUBLE" if name in NUMBERS else "VARCHAR" for name in Sample.__struct_fields__}
#: Samples held in memory before they are written.
CHUNK = 500_000


class Conflict(Noun, frozen=True, kw_only=True):
    """Two records of one job of one run that differ. The one in `kept` was taken, the one in `dropped` was not."""

    run_id: str
    job_id: str
    kept: str
    dropped: str
    differs: list[str]


class Merge(Noun, frozen=True, kw_only=True):
    """set.json: what a merge did. `sources`: path -> how many jobs it added.

    `unread`: records that could not be read, beside one of the same job that could and was kept.
    """

    schema: int = 1
    sources: dict[str, int]
    jobs: int
    identical: int
    conflicts: list[Conflict] = []
    unread: list[Conflict] = []
    #: Workloads that were run under more than one set of conditions, with what differs.
    apart: dict[str, list[str]] = {}


def query(path: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """As `source.query`, also of a run: it is merged into a folder that is gone afterwards."""
    if is_set(path) or not has_plan(path):
        return source.query(path, sql)
    with tempfile.TemporaryDirectory() as folder:
        merge_sources([path], Path(folder, "set"))
        return source.query(Path(folder, "set"), sql)


def merge_sources(paths: Sequence[Path], to: Path) -> tuple[Merge, list[Row]]:
    """Write the set to the folder `to`; returns what was done, and the rows.

    Raises UserError for a path that holds neither a run nor a set, and Lacking.
    """
    extras.require("duckdb")
    for path in paths:
        if not is_set(path) and not has_plan(path):
            raise UserError(f"{path} is neither a run nor a merged set", "name folders below results/")
    for path in paths:  # before anything is written
        opened_set(path) if is_set(path) else RunFolder.open(path)
    _refuse_other_folder(to)
    with disk_errors(to):
        to.mkdir(parents=True, exist_ok=True)
        to = doors.own(to)
        doors.names(to / "samples")
    collected = _Collected(to / "samples")
    with collected.samples:
        for path in paths:
            collected.add(path)
        refuse_modes(list(collected.rows.values()))
    rows = [{**_known(row), "group": group(row)} for row in collected.rows.values()]
    done = Merge(
        sources=collected.sources,
        jobs=len(rows),
        identical=collected.identical,
        conflicts=collected.conflicts,
        unread=collected.unread,
        apart=apart(rows),
    )
    write_parquet(rows, COLUMNS, to / "results.parquet")
    write_parquet(collected.epochs, EPOCH_COLUMNS, to / "epochs.parquet")
    write_atomic(to / "results.json", to_json({"results": for_programs(rows)}))
    write_atomic(to / "results.csv", to_csv(rows, COLUMNS))
    write_atomic(to / "set.json", to_json(done))
    return done, rows


def _refuse_other_folder(to: Path) -> None:
    """Raises UserError for a folder that is no set and holds what a set would take the place of."""
    taken = "plan.json" if has_plan(to) else "samples" if os.path.lexists(to / "samples") else ""
    if taken and not is_set(to):
        raise UserError(f"{to / taken} would be lost, and {to} is no merged set", "name a new folder with --to")


def group(row: Row) -> str:
    """The group of a row: a hash that is equal for the rows that may be averaged, and for no others."""
    kind = with_node_kind(row)
    mode = [] if mode_of(row) == TRAIN else [mode_of(row)]
    told = [*(kind.get(name) for name in (*work(row), *DOER)), *mode]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:12]


def work(row: Row) -> tuple[str, ...]:
    """The columns in which the repeats of a row's work agree."""
    names = OWN_WORK if row.get("variant") == "own" else WORK
    return (*names, "axes") if row.get("axes") else names


def apart(rows: Sequence[Row]) -> dict[str, list[str]]:
    """By workload: the conditions in which its good rows differ. Such rows are shown side by side, never averaged."""
    found = {}
    ended_well = [with_node_kind(row) for row in rows if row["status"] == "ok"]
    for (workload,), members in by_cell(ended_well, ["workload"]).items():
        names = (*work(members[0])[1:], "threads", *MACHINE)
        differs = [name for name in names if len({row.get(name) for row in members}) > 1]
        if differs:
            found[str(workload)] = differs
    return found


class _Collected:
    """What was merged so far: rows by run and job, epochs, and the folder of the samples."""

    def __init__(self, samples: Path) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.origin: dict[tuple[str, str], str] = {}
        self.epochs: list[Row] = []
        #: Every path, and the one that each job was taken from.
        self.paths: list[str] = []
        self.taken: dict[tuple[str, str], str] = {}
        self.identical = 0
        self.conflicts: list[Conflict] = []
        self.unread: list[Conflict] = []
        self.samples = _Samples(samples)

    @property
    def sources(self) -> dict[str, int]:
        """How many jobs each path added."""
        return {path: sum(of == path for of in self.taken.values()) for path in self.paths}

    def add(self, path: Path) -> None:
        self.paths.append(str(path))
        if is_set(path):
            self._add_set(path)
        else:
            self._add_run(RunFolder.open(path))

    def _add_run(self, folder: RunFolder) -> None:
        plan, results, now = folder.plan(), folder.results(), folder.running()
        for one in single_jobs(plan):
            job = one.planned[0]
            samples = Readings.of(folder.samples(job))
            readings = {job.id: folder.gpu_samples(results[job.id])} if job.id in results else {}
            (row,) = merge_run(one, results, {job.id: samples}, readings, running=now)
            if self._take(row, str(folder.path)) and not without_record(row):
                self.epochs += epoch_rows([results[job.id]], readings, {job.id: samples}) if job.id in results else []
                self.samples.add(plan.run_id, job.id, samples)

    def _add_set(self, path: Path) -> None:
        source = tables_of_set(path)
        new = [row for row in source.rows if self._take(row, str(path))]
        taken = {(row["run_id"], row["job_id"]) for row in new if not without_record(row)}
        self.epochs += [epoch for epoch in source.epochs if (epoch["run_id"], epoch["job_id"]) in taken]
        self.samples.copy(opened_set(path), taken)

    def _take(self, row: Row, origin: str) -> bool:
        """Keep the row if its job is new, and say whether it is; else count it as identical or note a conflict.

        A record that can be read is kept in place of one that cannot, whichever came first.
        """
        key = (row["run_id"], row["job_id"])
        known, before = self.rows.get(key), self.origin.get(key, origin)
        better = known is None or (without_record(known) and not without_record(row))
        if better:
            self.rows[key], self.origin[key], self.taken[key] = row, origin, self.paths[-1]
        if known is None:
            return True
        # What a set of an older version has no column for does not differ.
        differs = [name for name in columns.COLUMNS if name in known and name in row and known[name] != row[name]]
        self.identical += not differs
        if differs:
            kept, dropped = (origin, before) if better else (before, origin)
            noted = Conflict(run_id=key[0], job_id=key[1], kept=kept, dropped=dropped, differs=differs)
            (self.unread if without_record(known) or without_record(row) else self.conflicts).append(noted)
        return better


def _known(row: Row) -> Row:
    """A row of an older or newer set with today's columns."""
    return public_row({name: row.get(name) for name in columns.COLUMNS})


class _Samples:
    """Writes the folder samples/: run_id, job_id and the fields of Sample, one Parquet file per CHUNK samples.

    It is written beside the old folder and moved at the end, as a set may be merged onto itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fresh = path.with_name(doors.temporary(path.name))
        self.database = named_files.connect()
        self.waiting: list[Readings] = []
        self.count = 0
        self.parts = 0

    def __enter__(self) -> _Samples:
        doors.make(self.fresh)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        try:
            if kind is None:
                self._flush()
                self._close()
        finally:
            self.database.close()
            with contextlib.suppress(OSError):
                remove_tree(self.fresh)

    def add(self, run_id: str, job_id: str, readings: Readings) -> None:
        if readings.length:
            words = {"run_id": [run_id], "job_id": [job_id], **readings.words}
            self.waiting.append(msgspec.structs.replace(readings, words=words))
            self.count += readings.length
        if self.count >= CHUNK:
            self._flush()

    def copy(self, source: Path, taken: set[tuple[str, str]]) -> None:
        """Copy the samples of the jobs in `taken` from another opened set, without reading them into memory."""
        if not taken:
            return
        files = table_files(source, "samples")
        runs, jobs = zip(*sorted(taken), strict=True)
        taken_names = {"run_id": np.array(runs, dtype=object), "job_id": np.array(jobs, dtype=object)}
        self.database.register("taken", taken_names)
        with named_files.opened(files) as names:
            named_files.refuse_many(self.database, names, files[0], MOST["samples"])
            theirs = named_files.read_parquet(self.database, names)
            theirs.create_view("theirs", replace=True)
            self._write(f"select {_of_samples(theirs, files[0])} from theirs s semi join taken using (run_id, job_id)")
            self.database.execute("drop view theirs")
        self.database.unregister("taken")

    def _flush(self) -> None:
        """Write the samples that wait as one file. Text is passed to the database as numbers, which is much faster."""
        if not self.waiting:
            return
        chunk = {name: np.concatenate([readings.numbers[name] for readings in self.waiting]) for name in NUMBERS}
        joins = ""
        for name in ("run_id", "job_id", *WORDS):
            chunk[name], known = _numbered([(readings.words[name], readings.length) for readings in self.waiting])
            self._remember(name, known)
            joins += f" join words_{name} on words_{name}.number = chunk.{name}"
        self.database.register("chunk", chunk)
        chosen = map(_chosen, ("run_id", "job_id", *Sample.__struct_fields__))
        self._write(f"select {', '.join(chosen)} from chunk{joins}")
        self.waiting, self.count = [], 0

    def _remember(self, name: str, known: Sequence[str | None]) -> None:
        """Make a table of words by number. As an enumeration they need not be compared a million times."""
        words = np.empty(len(known), dtype=object)
        words[:] = known
        self.database.register("known", {"number": np.arange(len(known), dtype=np.int32), "word": words})
        self.database.execute(f"drop table if exists words_{name}")
        self.database.execute(f"drop type if exists kind_{name}")
        self.database.execute(f"create type kind_{name} as enum (select word from known where word is not null)")
        self.database.execute(f"create table words_{name} as select number, word::kind_{name} as word from known")

    def _write(self, select: str) -> None:
        with named_files.written(self.fresh / f"{self.parts:05}.parquet") as target:
            self.database.execute(f"copy ({select}) to {named_files.quoted(target)} (format parquet)")
        self.parts += 1

    def _close(self) -> None:
        if not self.parts:
            empty = ", ".join(map(_absent, KINDS))
            self._write(f"select '' as run_id, '' as job_id, {empty} where false")
        if doors.kind_of(self.path):
            remove_tree(self.path)
        doors.move(self.fresh, self.path)


def _of_samples(theirs: Any, path: Path) -> str:
    """The columns of another set's samples, each of the type that it should have. Raises UserError."""
    lacking = [name for name in ("run_id", "job_id", "t", "device") if name not in theirs.columns]
    if lacking:
        raise UserError(f"{path} has no column {lacking[0]}", "the set is damaged: merge its runs again")
    kinds = {"run_id": "VARCHAR", "job_id": "VARCHAR", **KINDS}
    return ", ".join(
        f's."{name}"::{kind} as "{name}"' if name in theirs.columns else _absent(name) for name, kind in kinds.items()
    )


def _numbered(columns: Sequence[tuple[Sequence[str | None], int]]) -> tuple[np.ndarray, list[str | None]]:
    """The number of each word, and the words by number. A column is given as its words and its length."""
    known: dict[str | None, int] = {}
    parts = []
    for words, length in columns:
        numbers = np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int32)
        parts.append(numbers.repeat(length // len(words)))  # a single word stands for all
    return np.concatenate(parts), list(known)


def _absent(name: str) -> str:
    """A column that another version did not write."""
    return f"null::{KINDS[name]} as {name}"


def _chosen(name: str) -> str:
    """A column as it is written; numpy says nan where a reading is absent."""
    if name not in NUMBERS:
        return f"words_{name}.word as {name}"
    return f"case when isnan(chunk.{name}) then null else chunk.{name} end as {name}"
