"""Writes the folder samples/ of a set: run_id, job_id and the fields of Sample, one Parquet file per CHUNK samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from orchestrator import doors
from orchestrator.errors import UserError
from orchestrator.model import Sample
from orchestrator.results import named_files
from orchestrator.results.samples import NUMBERS, WORDS, Readings
from orchestrator.results.source import MOST, table_files

#: The columns of samples as this version writes them, with their SQL types.
KINDS = {name: "DOUBLE" if name in NUMBERS else "VARCHAR" for name in Sample.__struct_fields__}
#: Samples held in memory before they are written.
CHUNK = 500_000


class SetSamples:
    """The table while it is written, into a folder that is not there yet. It is complete when the block has ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = named_files.connect()
        self.waiting: list[Readings] = []
        self.count = 0
        self.parts = 0

    def __enter__(self) -> SetSamples:
        doors.make(self.path)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        try:
            if kind is None:
                self._flush()
                self._close()
        finally:
            self.database.close()

    def add(self, run_id: str, job_id: str, readings: Readings) -> None:
        if readings.length:
            words = {"run_id": [run_id], "job_id": [job_id], **readings.words}
            self.waiting.append(msgspec.structs.replace(readings, words=words, made={}))
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
        read = [name for name in NUMBERS if any(name in readings.numbers for readings in self.waiting)]
        chunk = {name: np.concatenate([_column(readings, name) for readings in self.waiting]) for name in read}
        chosen = {name: _chosen(name, chunk[name]) if name in chunk else _absent(name) for name in NUMBERS}
        joins = ""
        for name in ("run_id", "job_id", *WORDS):
            chunk[name], known = _numbered([(readings.words[name], readings.length) for readings in self.waiting])
            self._remember(name, known)
            joins += f" join words_{name} on words_{name}.number = chunk.{name}"
            chosen[name] = f"words_{name}.word as {name}"
        self.waiting, self.count = [], 0
        self.database.register("chunk", chunk)
        columns = ", ".join(chosen[name] for name in ("run_id", "job_id", *Sample.__struct_fields__))
        self._write(f"select {columns} from chunk{joins}")
        self.database.unregister("chunk")

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
        with named_files.written(self.path / f"{self.parts:05}.parquet") as target:
            self.database.execute(f"copy ({select}) to {named_files.quoted(target)} (format parquet)")
        self.parts += 1

    def _close(self) -> None:
        if not self.parts:
            empty = ", ".join(map(_absent, KINDS))
            self._write(f"select '' as run_id, '' as job_id, {empty} where false")


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
    """A column that nothing was read of, or that another version did not write."""
    return f"null::{KINDS[name]} as {name}"


def _column(readings: Readings, name: str) -> np.ndarray:
    return readings.numbers[name] if name in readings.numbers else np.full(readings.length, np.nan)


def _chosen(name: str, values: np.ndarray) -> str:
    """A column of numbers as it is written; numpy says nan where a reading is absent."""
    if not np.isnan(values).any():
        return f"chunk.{name}"
    return f"case when isnan(chunk.{name}) then null else chunk.{name} end as {name}"
