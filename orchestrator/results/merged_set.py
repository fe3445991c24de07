"""Merges runs of any number of hosts into one set of tables: results, epochs, samples.

<set>/{set.json, results.parquet, results.json, results.csv, epochs.parquet, samples/*.parquet}

Every job of every run is in it once. The column `group` marks the rows that may be averaged: they agree in everything
that changes what a figure means. Rows, epochs and samples are taken a few jobs at a time and wait on the disk, so a set
may be larger than the memory. A set is made beside the old one, and takes its place when it is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import doors, extras
from orchestrator.errors import UserError
from orchestrator.files import disk_errors, locked, remove_tree, write_atomic
from orchestrator.model import Noun, Row, to_json
from orchestrator.results import columns, source
from orchestrator.results.collected import Collected, Conflict
from orchestrator.results.columns import EPOCH_COLUMNS
from orchestrator.results.export import lines_to_parquet, write_results
from orchestrator.results.folder import RunFolder, has_plan
from orchestrator.results.hands import Hands
from orchestrator.results.rows import public_row
from orchestrator.results.source import is_set, opened_set
from orchestrator.stats.repeats import MACHINE, TRAIN, mode_of, with_node_kind

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
#: What a set is made of, in the order in which it takes the place of an old one: set.json makes it a set.
PARTS = ("samples", "epochs.parquet", "results.parquet", "results.csv", "results.json", "set.json")


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


def merge_sources(paths: Sequence[Path], to: Path) -> Merge:
    """Write the set to the folder `to`; returns what was done.

    Raises UserError for a path that holds neither a run nor a set, and Lacking.
    """
    extras.require("duckdb")
    for path in paths:
        if not is_set(path) and not has_plan(path):
            raise UserError(f"{path} is neither a run nor a merged set", "name folders below results/")
    # before anything is written
    opened = [(path, opened_set(path) if is_set(path) else RunFolder.open(path)) for path in paths]
    _refuse_other_folder(to)
    with _made_beside(to) as fresh:
        jobs = sum(len(doors.names(each.path / "jobs")) for _, each in opened if isinstance(each, RunFolder))
        with Collected(fresh) as collected, Hands(jobs) as hands:
            for path, each in opened:
                collected.add(path, each, hands)
            done = _written(collected, fresh)
    return done


def _written(collected: Collected, folder: Path) -> Merge:
    """Writes the tables of what was collected."""
    found = Apart()
    rows = ({**_known(row), "group": group(row)} for row in collected.rows())
    write_results(found.passed(rows), COLUMNS, folder)
    lines_to_parquet(collected.epochs_written(), EPOCH_COLUMNS, folder / "epochs.parquet")
    done = Merge(
        sources=collected.sources,
        jobs=len(collected),
        identical=collected.identical,
        conflicts=collected.conflicts,
        unread=collected.unread,
        apart=found.differences(),
    )
    write_atomic(folder / "set.json", to_json(done))
    return done


@contextmanager
def _made_beside(to: Path) -> Iterator[Path]:
    """A new folder in `to`, whose parts become the set when the block ends well. One merge at a time makes a set."""

    def refuse() -> None:
        raise UserError(f"{to} is in use: another merge writes it", "wait for its end")

    with disk_errors(to):
        to.mkdir(parents=True, exist_ok=True)
        to = doors.own(to)
    with locked(doors.open_folder(to), refuse):
        with disk_errors(to):
            for name in _left_by_killed(to):
                remove_tree(to / name)
            fresh = to / doors.temporary("set")
            doors.make(fresh)
        try:
            yield fresh
            with disk_errors(to):
                _put_in_place(fresh, to)
        finally:
            with contextlib.suppress(OSError):
                remove_tree(fresh)


def _put_in_place(fresh: Path, to: Path) -> None:
    """Without set.json a folder is no set, and nobody reads one that is half of another."""
    doors.remove(to / "set.json")
    old = fresh / "old"
    doors.make(old)
    for name in PARTS:
        if doors.kind_of(to / name):
            doors.move(to / name, old / name)
        doors.move(fresh / name, to / name)


def _left_by_killed(to: Path) -> list[str]:
    """The folders that merges made into `to` and could not end."""
    return [name for name in doors.names(to) if re.fullmatch(r"\.set\.[0-9a-f]{16}\.tmp", name)]


def _refuse_other_folder(to: Path) -> None:
    """Raises UserError for a folder that is no set and holds what a set would take the place of."""
    taken = "plan.json" if has_plan(to) else "samples" if os.path.lexists(to / "samples") else ""
    if taken and not is_set(to) and (taken == "plan.json" or not _left_by_killed(to)):
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


class Apart:
    """By workload: the conditions in which its good rows differ. Such rows are shown side by side, never averaged."""

    def __init__(self) -> None:
        #: By workload: its conditions, and the values of each that occur.
        self._values: dict[str, dict[str, set[Any]]] = {}

    def passed(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, which are looked at on the way."""
        for row in rows:
            if row["status"] == "ok":
                kind = with_node_kind(row)
                # The first good row of a workload says what its conditions are.
                names = self._values.get(str(row["workload"])) or {
                    name: set[Any]() for name in (*work(kind)[1:], "threads", *MACHINE)
                }
                self._values[str(row["workload"])] = names
                for name, values in names.items():
                    values.add(kind.get(name))
            yield row

    def differences(self) -> dict[str, list[str]]:
        found = {
            workload: [name for name, values in names.items() if len(values) > 1]
            for workload, names in self._values.items()
        }
        return {workload: names for workload, names in found.items() if names}


def _known(row: Row) -> Row:
    """A row of an older or newer set with today's columns."""
    return public_row({name: row.get(name) for name in columns.COLUMNS})
