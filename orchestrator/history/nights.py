"""Reads runs and merged sets as nights: the rows of each run, in order of time. Nights are never put together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator import doors
from orchestrator.errors import UserError
from orchestrator.history.runs import is_locked, run_folders
from orchestrator.model import Row
from orchestrator.plan.catalog import Catalog
from orchestrator.report.input import with_learned
from orchestrator.results.columns import COLUMNS, PACKED
from orchestrator.results.folder import has_plan
from orchestrator.results.rows import public_row
from orchestrator.results.source import NEEDED, STATUSES, is_set, read_source
from orchestrator.stats.compare import CONDITIONS, OWN_CONDITIONS
from orchestrator.stats.repeats import MACHINE, TRAIN, mode_of, with_node_kind
from orchestrator.text import plural, public

_KINDS: dict[str, Any] = {"BIGINT": int, "DOUBLE": float, "BOOLEAN": bool, "VARCHAR": str}
#: What a line is told apart by, and what a point is made of. A table that lacks one of these columns is of an older
#: version: its rows are made anew from the records, which takes a hundred times as long.
_ASKED = dict.fromkeys(
    (
        *(*NEEDED["results"], *CONDITIONS, *OWN_CONDITIONS, *MACHINE, "launcher", "gpu_name"),
        *("keras_version", "started", "epoch_s", "loss", "val_loss", "data_kind"),
    )
)
_Row: Any = msgspec.defstruct(
    "_Row",
    [(name, _KINDS[COLUMNS[name]] | None) for name in _ASKED]
    + [
        (name, Any if name in PACKED else _KINDS[kind] | None, None)
        for name, kind in COLUMNS.items()
        if name not in _ASKED
    ],
)
_TABLE: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, list[_Row]])
#: Nights that are read, as a set may have a million: those of 27 years.
MOST_NIGHTS = 10_000
FEWER = "name fewer runs or sets"
#: How run ids begin: the date and time of their plan.
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-")


class Night(Struct, frozen=True):
    """One run: its rows, and when it began (ISO 8601, UTC, to the second; "" where nothing tells)."""

    run_id: str
    when: str
    rows: list[Row]


class Nights(Struct, frozen=True):
    """Nights in order of time, those of one second by id. `notes`: sentences on what is left out, and why."""

    nights: list[Night]
    notes: list[str]


def read_nights(paths: Sequence[Path], catalog: Catalog) -> Nights:
    """The nights of runs, of merged sets, and of all runs in results folders, each run once.

    A run that goes on or cannot be read is left out, with a note. Raises UserError for a path that is none of these.
    """
    found: dict[str, Night] = {}
    notes: list[str] = []
    for path in _expanded(paths):
        try:
            rows = _rows(path)
        except UserError as error:
            if path in paths:
                raise
            notes.append(public(f"{path.name} is left out: {error.message}"))
            continue
        if rows is None:
            notes.append(f"{path.name} is left out: it still goes on")
            continue
        trained = [row for row in rows if mode_of(row) == TRAIN]
        if rows and not trained:
            notes.append(f"{path.name} is left out: trends are of training, and it timed calls")
        for night in _by_run(with_learned(trained, catalog)):
            found.setdefault(night.run_id, night)
        if len(found) > MOST_NIGHTS:
            raise UserError(f"a trend has at most {plural(MOST_NIGHTS, 'night')}, and here are more", FEWER)
    return Nights(sorted(found.values(), key=lambda night: (night.when, night.run_id)), notes)


def _expanded(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        if has_plan(path) or is_set(path):
            found.append(path)
            continue
        inside = run_folders(path)
        if not inside and not path.is_dir():
            raise UserError(f"{path} is not there", "name runs, merged sets, or a folder of runs")
        found += inside
    return found


def _rows(path: Path) -> list[Row] | None:
    """The rows of a run or a set; None for a run that goes on. Raises UserError."""
    if is_set(path):
        return read_source(path).rows
    real = doors.own(path)
    try:
        if is_locked(real):
            return None
        return _recorded_rows(real / "results.json") or read_source(path).rows
    except OSError as error:
        raise UserError(f"{error.filename or path}: {error.strerror}") from error


def _recorded_rows(path: Path) -> list[Row] | None:
    """The rows that a run's end wrote; None where it did not, or an older version did: they are made anew then."""
    try:
        rows = _TABLE.decode(doors.read_json(path))["results"]
    except (OSError, KeyError, *doors.UNREADABLE):
        return None
    found = [public_row(msgspec.structs.asdict(row)) for row in rows]
    return found if all(map(_is_whole, found)) else None


def _is_whole(row: Row) -> bool:
    """Whether a row has what every row has, so that it can be sorted and judged."""
    sized = row["variant"] == "own" or row["epochs"] is not None or mode_of(row) != TRAIN
    return row["status"] in STATUSES and sized and all(row[name] is not None for name in (*NEEDED["results"], "scale"))


def _by_run(rows: Sequence[Row]) -> list[Night]:
    runs: dict[str, list[Row]] = {}
    for row in rows:
        runs.setdefault(str(row["run_id"]), []).append(with_node_kind(row))
    return [Night(run_id, _when(run_id, its), its) for run_id, its in runs.items()]


def _when(run_id: str, rows: Sequence[Row]) -> str:
    started = min((str(row["started"])[:19] for row in rows if row.get("started")), default="")
    stamp = _STAMP.match(run_id)
    if started or not stamp:
        return started
    year, month, day, hour, minute, second = stamp.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}"
