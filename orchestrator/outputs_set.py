"""A merged set, as the report wants it. What a set does not hold (logs, GPU readings) is said in a note."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestrator import merge, sources
from orchestrator.model import Sample
from orchestrator.outputs import Merged, distinct

Row = dict[str, Any]
#: More readings than this are not drawn: nobody could tell so many lines apart.
MOST_READINGS = 1_000_000


def merged_set(path: Path) -> Merged:
    """Raises UserError for anything that is no set."""
    source = sources.read(path)
    notes = [
        "Made from a merged set: logs, GPU timelines and commits are in the folders of the runs; curves of processor "
        "and memory start at the first reading of a job."
    ]
    samples = list(_sample_rows(path))
    if not samples:
        notes.append(f"No curves of processor and memory: no readings, or more than {MOST_READINGS:,}.")
    return Merged(
        rows=source.rows,
        epochs=source.epochs,
        samples=samples,
        run_ids=list(dict.fromkeys(row["run_id"] for row in source.rows)),
        environment=environment(source.rows),
        logs={},
        notes=notes,
    )


def environment(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(what, value) pairs, as far as rows tell."""
    return distinct(
        pair
        for row in rows
        if row["host"]
        for pair in (
            *((what, row[name]) for what, name in (("host", "host"), ("processor", "cpu"), ("GPU", "gpu_name"))),
            *((what, row[what]) for what in ("driver", "launcher")),
            ("threads per job", row["threads"]),
            ("workloads (sha256)", row["workloads_sha256"]),
            (f"data of {row['workload']}", f"{row['data_kind']}, sha256 {row['data_sha256']}"),
            (f"image of {row['stack']}", row["image_digest"]),
        )
    )


def _sample_rows(path: Path) -> Iterator[Row]:
    with duckdb.connect() as database:
        database.read_parquet(str(path / sources.TABLES["samples"])).create_view("samples")
        (count,) = database.execute("select count(*) from samples").fetchone() or (0,)
        if count > MOST_READINGS:
            return
        names = ("run_id", "job_id", *Sample.__struct_fields__)
        readings = database.execute(f"select {', '.join(names)} from samples order by run_id, job_id, t").fetchall()
    for (run_id, job_id), its in itertools.groupby(readings, key=lambda reading: reading[:2]):
        samples = [Sample(**dict(zip(names[2:], reading[2:], strict=True))) for reading in its]
        yield from ({**row, "run_id": run_id} for row in merge.sample_rows(job_id, samples))
