"""Reads rows from the folder of a run or from a merged set, which give the same tables; and queries a set with SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import UserError
from orchestrator.results import named_files
from orchestrator.results.folder import RunFolder
from orchestrator.results.rows import epoch_rows, merge_run
from orchestrator.results.samples import Readings
from orchestrator.stats.repeats import steady_epochs

#: The tables of a set.
TABLES = ("results", "epochs", "samples")


class Source(msgspec.Struct, frozen=True):
    """One run or set: its rows (columns.COLUMNS) and its epochs (columns.EPOCH_COLUMNS)."""

    rows: list[dict[str, Any]]
    epochs: list[dict[str, Any]]

    @property
    def steady(self) -> dict[tuple[Any, Any], list[float]]:
        """The steady epochs of each job, as `stats` takes them."""
        return steady_epochs(self.epochs)


def read_source(path: Path) -> Source:
    """The tables of a set, or of a run, whose rows are then made anew.

    Raises UserError for anything else.
    """
    if (path / "plan.json").is_file():
        folder = RunFolder.open(path)
        plan, results = folder.plan(), folder.results()
        ordered = [results[job.id] for job in plan.planned if job.id in results]
        samples = {job.id: Readings.of(folder.samples(job)) for job in plan.planned}
        gpu = {job_id: folder.gpu_samples(result) for job_id, result in results.items()}
        return Source(
            rows=merge_run(plan, results, samples, gpu, goes_on=folder.goes_on()),
            epochs=epoch_rows(ordered, gpu, samples),
        )
    if is_set(path):
        return Source(rows=_table(path, "results"), epochs=_table(path, "epochs"))
    raise UserError(f"{path} is neither a run nor a merged set", "name a folder below results/, or one made by `merge`")


def is_set(path: Path) -> bool:
    return (path / "set.json").is_file()


def table_files(path: Path, table: str) -> list[Path]:
    """The files of one table of a set. Raises UserError where there is none."""
    files = sorted((path / table).glob("*.parquet")) if table == "samples" else [path / f"{table}.parquet"]
    if not files or not files[0].is_file():
        raise UserError(f"the set {path} is damaged: its table {table} is not there", "merge its runs again")
    return files


def query(path: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one SQL statement over a set's tables. It can read the set and nothing else.

    Raises UserError for a statement that is wrong, or that does not read.
    """
    if not is_set(path):
        raise UserError(f"{path} is not a merged set", "make one: orchestrate merge RUN... --to FOLDER")
    import duckdb  # a tenth of a second to load; runs are read without it

    with duckdb.connect() as database:
        tables = {name: table_files(path, name) for name in TABLES}
        for name, files in tables.items():
            named_files.read_parquet(database, files).create_view(name)
        database.execute(_CELLS)
        patterns = ", ".join(named_files.quoted(named_files.only(file)) for files in tables.values() for file in files)
        database.execute(f"set allowed_directories = [{named_files.quoted(named_files.target(path))}]")
        database.execute(f"set allowed_paths = [{patterns}]")
        database.execute("set enable_external_access = false")
        database.execute("set lock_configuration = true")
        try:
            statements = database.extract_statements(sql)
            if [s.type for s in statements] not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
                raise UserError("one statement that reads, please", 'for example "select * from cells"')
            answer = database.execute(statements[0])
            return [column[0] for column in answer.description or []], answer.fetchall()
        except duckdb.Error as error:
            raise UserError(str(error).split("\n")[0], "tables: results, epochs, samples, cells") from error


#: Only what may be averaged is averaged: the rows of one comparable group, and of them only times that count.
_CELLS = """create view cells as
select "group", workload, variant, stack, backend, framework_version, keras_version, device, host, scale, threads,
       count(*) as jobs, count(epoch_s) filter (counts) as n, median(epoch_s) filter (counts) as epoch_s,
       min(epoch_s) filter (counts) as epoch_s_min, max(epoch_s) filter (counts) as epoch_s_max,
       median(val_accuracy) filter (counts) as val_accuracy
from (select *, status = 'ok' and isfinite(epoch_s) and epoch_s > 0 and isfinite(coalesce(loss, 0))
      and isfinite(coalesce(val_loss, 0)) as counts from results)
group by all order by workload, epoch_s nulls last"""


def _table(path: Path, name: str) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as database:
        found = named_files.read_parquet(database, table_files(path, name))
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
