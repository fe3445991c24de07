"""What a merge has read so far: each job once. Rows and epochs wait on the disk, readings are written as they come."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from orchestrator import doors
from orchestrator.files import disk_errors
from orchestrator.model import Noun, Row, without_record
from orchestrator.results import columns
from orchestrator.results.folder import RunFolder
from orchestrator.results.hands import Hands, units
from orchestrator.results.set_samples import SetSamples
from orchestrator.results.source import refuse_modes, tables_of_set
from orchestrator.stats.repeats import mode_of


class Conflict(Noun, frozen=True, kw_only=True):
    """Two records of one job of one run that differ. The one in `kept` was taken, the one in `dropped` was not."""

    run_id: str
    job_id: str
    kept: str
    dropped: str
    differs: list[str]


class Kept(msgspec.Struct):
    """The row of a job: where it waits, and which source it is from. `path` is that source as it was named."""

    begin: int
    length: int
    origin: str
    path: str
    unread: bool


class Collected:
    """Jobs by run and job, in the order in which they were met; the folder gets samples/ and what waits."""

    def __init__(self, folder: Path) -> None:
        self._kept: dict[tuple[str, str], Kept] = {}
        #: Every path that was added, in order.
        self._paths: list[str] = []
        self.identical = 0
        self.conflicts: list[Conflict] = []
        self.unread: list[Conflict] = []
        self._modes: dict[str, Row] = {}
        self._epochs_path = folder / doors.temporary("epochs")
        self._samples = SetSamples(folder / "samples")
        with disk_errors(folder):
            self._rows = os.fdopen(doors.create(folder / doors.temporary("rows")), "w+b")
            self._epochs = os.fdopen(doors.create(self._epochs_path), "wb")
        #: Where the next row is put, and whether the file stands elsewhere.
        self._end, self._moved = 0, False

    def __enter__(self) -> Collected:
        self._samples.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._samples.__exit__(kind, error, tb)
        for file in (self._rows, self._epochs):
            with contextlib.suppress(OSError):  # on a full disk; what is needed of them has been flushed and read
                file.close()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def sources(self) -> dict[str, int]:
        """How many jobs each path added."""
        added = Counter(kept.path for kept in self._kept.values())
        return {path: added[path] for path in self._paths}

    def add(self, path: Path, opened: RunFolder | Path, hands: Hands) -> None:
        """Adds an opened run, or the folder of an opened set. Raises UserError for rows of several modes."""
        self._paths.append(str(path))
        if isinstance(opened, RunFolder):
            self._add_run(opened, hands)
        else:
            self._add_set(path, opened)
        refuse_modes(list(self._modes.values()))

    def _add_run(self, folder: RunFolder, hands: Hands) -> None:
        plan, now = folder.plan(), folder.running()
        for made in hands.made(units(folder, plan, now)):
            for found in made:
                if self._take(found.row, str(folder.path)) and not without_record(found.row):
                    self._add_epochs(found.epochs)
                    self._samples.add(plan.run_id, found.row["job_id"], found.readings)

    def _add_set(self, path: Path, opened: Path) -> None:
        tables = tables_of_set(path)
        new = [row for row in tables.rows if self._take(row, str(path))]
        taken = {(row["run_id"], row["job_id"]) for row in new if not without_record(row)}
        self._add_epochs(epoch for epoch in tables.epochs if (epoch["run_id"], epoch["job_id"]) in taken)
        self._samples.copy(opened, taken)

    def _add_epochs(self, epochs: Iterable[Row]) -> None:
        with disk_errors(self._epochs_path):
            self._epochs.writelines(msgspec.json.encode(epoch) + b"\n" for epoch in epochs)

    def _take(self, row: Row, origin: str) -> bool:
        """Keep the row if its job is new, and say whether it is; else count it as identical or note a conflict.

        A record that can be read is kept in place of one that cannot, whichever came first.
        """
        key, unread = (row["run_id"], row["job_id"]), without_record(row)
        before = self._kept.get(key)
        if before is None:
            self._keep(key, row, origin, unread)
            return True
        known, better = self._read(before), before.unread and not unread
        # What a set of an older version has no column for does not differ.
        differs = [name for name in columns.COLUMNS if name in known and name in row and known[name] != row[name]]
        self.identical += not differs
        if differs:
            kept, dropped = (origin, before.origin) if better else (before.origin, origin)
            noted = Conflict(run_id=key[0], job_id=key[1], kept=kept, dropped=dropped, differs=differs)
            (self.unread if before.unread or unread else self.conflicts).append(noted)
        if better:
            self._keep(key, row, origin, unread)
        return better

    def _keep(self, key: tuple[str, str], row: Row, origin: str, unread: bool) -> None:
        packed = msgspec.msgpack.encode(row)
        with disk_errors(self._epochs_path):
            if self._moved:
                self._rows.seek(0, os.SEEK_END)
                self._moved = False
            self._rows.write(packed)
        self._kept[key] = Kept(self._end, len(packed), origin, self._paths[-1], unread)
        self._end += len(packed)
        self._modes.setdefault(mode_of(row), row)

    def _read(self, kept: Kept) -> Row:
        self._rows.seek(kept.begin)
        self._moved = True
        row: Row = msgspec.msgpack.decode(self._rows.read(kept.length))
        return row

    def rows(self) -> Iterator[Row]:
        """The row of each job."""
        return map(self._read, self._kept.values())

    def epochs_written(self) -> Path:
        """A file of JSON lines: the epochs of all jobs."""
        with disk_errors(self._epochs_path):
            self._epochs.flush()
        return self._epochs_path
