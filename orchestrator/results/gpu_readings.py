"""Stores the GPU readings of a run: JSON lines while it runs, Parquet once it has ended. Either can be read."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.model import GpuProcess, GpuSample
from orchestrator.results import named_files


def sql_type(hint: Any) -> str:
    """The SQL type of a field of a sample. Raises KeyError for a type that no sample has."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "VARCHAR"
    if origin is list:
        return f"{sql_type(parts[0])}[]"
    if parts:  # a value or None
        return sql_type(next(part for part in parts if part is not type(None)))
    if issubclass(hint, Struct):
        return f"STRUCT({', '.join(f'{name} {kind}' for name, kind in _columns(hint).items())})"
    return {float: "DOUBLE", int: "BIGINT", str: "VARCHAR"}[hint]


def _columns(kind: type[Struct]) -> dict[str, str]:
    return {field.name: sql_type(field.type) for field in msgspec.structs.fields(kind)}


#: One column per field of a reading, typed also where all values are absent.
COLUMNS = _columns(GpuSample)
PROCESS_COLUMNS = _columns(GpuProcess)


def new_spool(run: Path) -> Path:
    """A new file for lines. Each session of a run has its own: a run that is resumed has several."""
    taken = {int(path.stem.removeprefix("gpu-")) for path in run.glob("gpu-*.*") if path.stem[4:].isdecimal()}
    return run / f"gpu-{max(taken, default=0) + 1}.jsonl"


def to_parquet(run: Path) -> None:
    """Turn every file of lines into a Parquet file of the same name."""
    for spool in sorted(run.glob("gpu-*.jsonl")):
        target = spool.with_suffix(".parquet")
        temporary = target.with_name(f".{target.name}.tmp")
        with _database() as database:
            _lines(database, spool).write_parquet(named_files.target(temporary), compression="zstd")
        temporary.replace(target)
        spool.unlink()


def read(run: Path, uuid: str, begin: float, end: float) -> list[GpuSample]:
    """The readings of one GPU between two moments (CLOCK_MONOTONIC), by time; a torn last line is left out."""
    found: list[GpuSample] = []
    finished = sorted(run.glob("gpu-*.parquet"))
    crashed = [path for path in sorted(run.glob("gpu-*.jsonl")) if not path.with_suffix(".parquet").exists()]
    if not finished and not crashed:
        return []
    with _database() as database:
        for path in [*finished, *crashed]:
            its_lines = path.suffix == ".jsonl"
            table = _lines(database, path) if its_lines else named_files.read_parquet(database, [path])
            table.create_view("readings", replace=True)
            rows = database.execute("SELECT * FROM readings WHERE uuid = ? AND t BETWEEN ? AND ?", [uuid, begin, end])
            names = [column[0] for column in rows.description]
            found += [_sample(dict(zip(names, row, strict=True))) for row in rows.fetchall()]
    return sorted(found, key=lambda sample: sample.t)


def _database() -> Any:
    import duckdb  # a tenth of a second to load

    return duckdb.connect()


def _lines(database: Any, spool: Path) -> Any:
    lines = named_files.read_lines(database, spool, COLUMNS, ignore_errors=True)
    return lines.project("* REPLACE (coalesce(kind, 'poll') AS kind)").filter("t IS NOT NULL")


def _sample(row: dict[str, Any]) -> GpuSample:
    known = {name: value for name, value in row.items() if value is not None and name in COLUMNS}
    if "processes" in known:
        known["processes"] = [
            {k: v for k, v in p.items() if v is not None and k in PROCESS_COLUMNS} for p in known["processes"]
        ]
    return msgspec.convert(known, GpuSample)
