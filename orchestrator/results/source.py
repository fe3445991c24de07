"""Reads rows from the folder of a run or from a merged set, which give the same tables; and queries a set with SQL."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, get_args

import msgspec

from orchestrator import doors, extras
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.model import UNFINISHED, GpuSample, Result, Row, Status
from orchestrator.results import named_files
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS
from orchestrator.results.folder import RunFolder, has_plan
from orchestrator.results.rows import epoch_rows, merge_run, public_row, single_jobs
from orchestrator.results.samples import Readings
from orchestrator.stats.repeats import mode_of, steady_epochs
from orchestrator.text import printable, public

#: The columns of epochs that say how long each took.
TIMES = ("run_id", "job_id", "epoch", "train_s")
#: The tables of a set, and the most rows that are read of each; samples are never all in memory.
MOST = {"results": named_files.MOST_ROWS, "epochs": named_files.MOST_ROWS, "samples": 100_000_000}
TABLES = tuple(MOST)
#: What each row has: a set without it was not made by `merge`.
NEEDED = {
    "results": ("run_id", "job_id", "workload", "variant", "stack", "backend", "device", "repeat", "status"),
    "epochs": ("run_id", "job_id", "epoch"),
}
STATUSES = frozenset((*get_args(Status), *UNFINISHED))
DAMAGED = "the set is damaged, or of another version: merge its runs again"


class Source(msgspec.Struct, frozen=True):
    """One run or set: its rows (columns.COLUMNS) and its epochs (columns.EPOCH_COLUMNS).

    `notes`: sentences on what could not be read of it.
    """

    rows: list[dict[str, Any]]
    epochs: list[dict[str, Any]]
    notes: list[str] = []

    @property
    def steady(self) -> dict[tuple[Any, Any], list[float]]:
        """The steady epochs of each job, as `stats` takes them."""
        return steady_epochs(self.epochs)


def read_source(path: Path, epochs: Sequence[str] = tuple(EPOCH_COLUMNS)) -> Source:
    """The tables of a set, or of a run, whose rows are then made anew. `epochs`: columns of a set's epochs that matter.

    Raises UserError for anything else, and for what cannot be read as one.
    """
    if has_plan(path):
        folder = RunFolder.open(path)
        plan, results, now = folder.plan(), folder.results(), folder.running()
        found = Source(rows=[], epochs=[], notes=[])
        with folder.series_open():
            for one in single_jobs(plan):
                (job,) = one.planned
                samples, mine = {job.id: Readings.of(folder.samples(job))}, {job.id: results.get(job.id)}
                done = {job_id: result for job_id, result in mine.items() if result is not None}
                gpu = gpu_samples(folder, done, found.notes)
                found.rows.extend(merge_run(one, done, samples, gpu, running=now))
                found.epochs.extend(epoch_rows(done.values(), gpu, samples))
        return found
    if is_set(path):
        tables = tables_of_set(path, epochs)
        blank_epoch = dict.fromkeys(epochs)
        return Source(rows=_public(tables.rows), epochs=[{**blank_epoch, **epoch} for epoch in tables.epochs])
    raise UserError(f"{path} is neither a run nor a merged set", "name a folder below results/, or one made by `merge`")


def _public(rows: list[Row]) -> list[Row]:
    """The rows with all columns, as anybody may see them. Those of this version are changed where they are."""
    blank = dict.fromkeys(COLUMNS)
    if any(list(row)[: len(COLUMNS)] != list(COLUMNS) for row in rows[:1]):
        return [{**blank, **public_row(row)} for row in rows]
    texts = [name for name, kind in COLUMNS.items() if kind == "VARCHAR"]
    for row in rows:
        row.update({name: public(value) for name in texts if (value := row[name]) is not None})
    return rows


def gpu_samples(folder: RunFolder, results: Mapping[str, Result], notes: list[str]) -> dict[str, list[GpuSample]]:
    """The readings of each job's GPU; none, and a note, where DuckDB cannot read them or is not there."""
    try:
        return {job_id: folder.gpu_samples(result) for job_id, result in results.items()}
    except extras.Lacking:
        why = extras.lacking("tables")
    except OrchestrateError:
        raise
    except Exception as error:
        why = f"their readings could not be read ({in_words(error)})"
    note(notes, f"No figures of GPUs: {why}.")
    return {job_id: [] for job_id in results}


def note(notes: list[str], sentence: str) -> None:
    """Adds a sentence that is not there yet."""
    if sentence not in notes:
        notes.append(sentence)


def in_words(error: Exception) -> str:
    """An error that is no fault of the user's, on one line."""
    return f"{type(error).__name__}: {printable(str(error).partition(chr(10))[0], 200)}"


def refuse_modes(rows: Sequence[Row]) -> None:
    """Raises UserError where some of the rows are of training and some are not: no figure is common to both."""
    modes = sorted({mode_of(row) for row in rows})
    if len(modes) > 1:
        raise UserError(
            f"these runs timed different things ({', '.join(modes)})", "merge or report those of one --mode"
        )


def is_set(path: Path) -> bool:
    """Whether this is meant to be a set, whatever its set.json is."""
    return os.path.lexists(path / "set.json")


def opened_set(path: Path) -> Path:
    """The folder of a set, looked through before it is read. Raises UserError for what is neither file nor folder."""
    path = path.resolve()
    doors.look_through(path)
    return path


def table_files(path: Path, table: str) -> list[Path]:
    """The files of one table of an opened set. Raises UserError where there is none."""
    files = [path / f"{table}.parquet"]
    if table == "samples":
        files = [path / table / name for name in doors.names(path / table) if name.endswith(".parquet")]
    if not files or not doors.kind_of(files[0]):
        raise UserError(f"the set {path} is damaged: its table {table} is not there", "merge its runs again")
    return files


def tables_of_set(path: Path, epoch_columns: Sequence[str] = tuple(EPOCH_COLUMNS)) -> Source:
    """Rows and epochs of a set, with those of today's columns (of epochs: of these) that it has. Raises UserError."""
    path = opened_set(path)
    rows = _table(path, "results", {**COLUMNS, "group": "VARCHAR"})
    epochs = _table(path, "epochs", {name: EPOCH_COLUMNS[name] for name in epoch_columns})
    jobs = Counter((row["run_id"], row["job_id"]) for row in rows)
    for row in rows:
        if row["status"] not in STATUSES:
            raise UserError(f"{path}/results.parquet: there is no status {row['status']!r}", DAMAGED)
        if jobs[row["run_id"], row["job_id"]] > 1:
            raise UserError(f"{path}/results.parquet: job {row['job_id']} of {row['run_id']} is there twice", DAMAGED)
    for epoch in epochs:
        if (epoch["run_id"], epoch["job_id"]) not in jobs:
            raise UserError(f"{path}/epochs.parquet: job {epoch['job_id']} is not in results.parquet", DAMAGED)
    return Source(rows=rows, epochs=epochs)


def query(path: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one SQL statement over a set's tables. It can read the set and nothing else.

    Raises Lacking, and UserError for a statement that is wrong, or that does not read.
    """
    duckdb = named_files.duck()
    if not is_set(path):
        raise UserError(f"{path} is neither a run nor a merged set", "name a folder below results/")
    path = opened_set(path)
    files = {name: table_files(path, name) for name in TABLES}
    with named_files.opened(list(chain(*files.values()))) as names, named_files.connect() as database:
        left = iter(names)
        for table, its in files.items():
            opened = list(islice(left, len(its)))
            named_files.refuse_many(database, opened, its[0], MOST[table])
            named_files.read_parquet(database, opened).create_view(table)
        there = database.view("results").columns
        lacking = (f", null::{kind} as {name}" for name, kind in _SINCE.items() if name not in there)
        database.execute(_CELLS.format(lacking="".join(lacking)))
        database.execute(f"set allowed_paths = [{', '.join(map(named_files.quoted, names))}]")
        database.execute("set enable_external_access = false")
        database.execute("set lock_configuration = true")
        try:
            statements = database.extract_statements(sql)
            if [s.type for s in statements] not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
                raise UserError("one statement that reads, please", 'for example "select * from cells"')
            answer = database.execute(statements[0])
            return [column[0] for column in answer.description or []], named_files.answered(answer)
        except duckdb.Error as error:
            raise UserError(str(error).split("\n")[0], "tables: results, epochs, samples, cells") from error


#: Columns of cells that sets of older versions do not have.
_SINCE = {name: COLUMNS[name] for name in ("axes", "mode", "latency_ms", "predicted_per_s", "tokens_per_s")}
#: Only what may be averaged is averaged: the rows of one comparable group, and of them only times that count.
_CELLS = """create view cells as
select "group", workload, variant, stack, backend, framework_version, keras_version, device, host, scale, threads,
       coalesce(axes, '') as axes, count(*) as jobs, count(*) filter (counts) as n,
       median(epoch_s) filter (counts) as epoch_s, min(epoch_s) filter (counts) as epoch_s_min,
       max(epoch_s) filter (counts) as epoch_s_max, median(val_accuracy) filter (counts) as val_accuracy, timed as mode,
       median(latency_ms) filter (counts) as latency_ms,
       1 / median(1 / predicted_per_s) filter (counts) as predicted_per_s,
       1 / median(1 / tokens_per_s) filter (counts) as tokens_per_s
from (select *, coalesce(mode, 'train') as timed,
             case when timed = 'train' then epoch_s else latency_ms / 1000 end as figure,
             status = 'ok' and figure > 1e-9 and figure < 1e9 and isfinite(coalesce(loss, 0))
             and isfinite(coalesce(val_loss, 0)) as counts
      from (select *{lacking} from results))
group by all order by workload, epoch_s nulls last, latency_ms nulls last"""


def _table(path: Path, name: str, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of one table of an opened set, with the columns that are known. Raises UserError."""
    files = table_files(path, name)
    with named_files.opened(files) as names, named_files.connect() as database:
        named_files.refuse_many(database, names, files[0])
        found = named_files.read_parquet(database, names)
        lacking = [column for column in NEEDED[name] if column not in found.columns]
        if lacking:
            raise UserError(f"{files[0]} has no column {lacking[0]}", DAMAGED)
        wanted = [column for column in found.columns if column in known]
        counts = found.aggregate(", ".join(f'count("{column}")' for column in wanted)).fetchall()[0]
        # Most columns of most sets are empty, and are not fetched.
        told = [column for column, count in zip(wanted, counts, strict=True) if count or column in NEEDED[name]]
        columns, blank = ", ".join(_typed(column, known[column]) for column in told), dict.fromkeys(wanted)
        rows = named_files.fetched(found.project(columns), files[0], blank)
    for column in NEEDED[name]:
        if any(row[column] is None for row in rows):
            raise UserError(f"{files[0]}: column {column} is empty in a row", DAMAGED)
    return rows


def _typed(column: str, kind: str) -> str:
    """A column as the type it should have; what is no finite number is absent, as in all records."""
    value = f'"{column}"::{kind}'
    return (
        f'case when isfinite({value}) then {value} end as "{column}"' if kind == "DOUBLE" else f'{value} as "{column}"'
    )
