"""Lists the runs of a results folder: one small file is read of each, and none is opened as a run."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from orchestrator import doors
from orchestrator.doors import UNREADABLE
from orchestrator.errors import UserError
from orchestrator.files import try_lock
from orchestrator.history.digest import DIGEST, MOST_NAMED, Digest
from orchestrator.model import NOT_RUN, PENDING, Noun, Plan
from orchestrator.results import records
from orchestrator.results.folder import has_plan
from orchestrator.results.manifest import MANIFEST, RESULT
from orchestrator.text import one_line, plural, public

T = TypeVar("T")
#: Why a record ("plan" or "run") with these values is not the caller's own, in words; "" where it is.
Strange = Callable[[str, dict[str, Any]], str]
#: `done`: it ended and is on record whole. `cut short`: it was killed, and `run --resume` goes on with it. The others
#: could not be read: `damaged`, `newer` (another version wrote it), `closed` (another user's, and kept private).
State = Literal["done", "running", "cut short", "damaged", "newer", "closed"]
REPORT = "report.html"
#: Letters that are kept of a name and of a command: whoever wrote them, a list of a thousand runs stays small.
MOST_NAME, MOST_COMMAND = 200, 2000


class Listed(Noun, frozen=True, kw_only=True):
    """One run of a results folder. `name` is its folder's.

    `planned` counts the jobs that were meant to run here, `ok`, `misfits` (no room in memory along an axis) and
    `failed` those that ended; of a run that goes on or was cut short, `ended` counts jobs whatever came of them, and
    `ok` and `failed` are None.
    """

    name: str
    run_id: str = ""
    created: str = ""
    hosts: list[str] = []
    devices: list[str] = []
    scales: list[str] = []
    keras: list[str] = []
    planned: int | None = None
    ended: int | None = None
    ok: int | None = None
    failed: int | None = None
    misfits: int = 0
    state: State
    #: Why it could not be read.
    why: str = ""
    #: Why it is not the caller's own, "" where it is.
    strange: str = ""
    command: str = ""
    #: Whether there is a report to open.
    report: bool = False

    @property
    def jobs(self) -> str:
        """`35 ok`, `33 ok, 2 failed of 35`, `2 ok, 1 did not fit of 3`, `12 of 35 ended`."""
        if self.planned is None:
            return ""
        if self.ok is None:
            return f"{self.ended} of {self.planned} ended"
        if self.ok == self.planned:
            return f"{self.ok} ok" if self.planned else "none to run"
        others = [f"{self.misfits} did not fit"] if self.misfits else []
        others += [f"{self.failed} failed"] if self.failed or not others else []
        return f"{', '.join([f'{self.ok} ok', *others])} of {self.planned}"

    @property
    def words(self) -> str:
        """What is to be known of it before its figures are believed, "" for nothing."""
        state = "" if self.state == "done" else self.state if not self.why else f"{self.state}: {self.why}"
        return "; ".join(filter(None, [state, "not yours" if self.strange else ""]))


class _Row(Struct):
    """What a list needs of a row of results.json."""

    status: str
    host: str | None = None
    gpu_name: str | None = None
    keras_version: str | None = None


class _Table(Struct):
    results: list[_Row]


def list_runs(results: Path, strange: Strange, limit_s: float = math.inf) -> list[Listed]:
    """The runs in a results folder, newest first; of one that cannot be read, why.

    Links to runs of the same folder (`latest`), hidden folders and merged sets are none. Raises UserError where the
    folder itself cannot be read, or takes longer than `limit_s` seconds.
    """
    end, found = time.monotonic() + limit_s, []
    for path in run_folders(results, plans=False):
        listed = _listed(path, strange)
        found += [] if listed is None else [listed]
        if time.monotonic() > end:
            raise UserError(f"the runs in {results} cannot be listed in {limit_s:g} s")
    return sorted(found, key=lambda run: (run.created, run.name), reverse=True)


def run_folders(results: Path, plans: bool = True) -> list[Path]:
    """The folders of runs in a results folder, by name; without `plans` also those that may be none.

    Raises UserError where the folder itself cannot be read; one that is not there has none.
    """
    top = doors.own(results)
    try:
        with os.scandir(top) as entries:
            names = sorted(entry.name for entry in entries if _may_be_run(entry, top))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{results} cannot be read: {error.strerror}") from error
    return [top / name for name in names if not plans or has_plan(top / name)]


def _may_be_run(entry: os.DirEntry[str], top: Path) -> bool:
    try:
        if entry.name.startswith(".") or not entry.is_dir():
            return False
    except OSError:  # a link in a circle, or into a folder of another user's
        return False
    return not entry.is_symlink() or os.path.dirname(os.path.realpath(entry.path)) != os.path.realpath(top)  # noqa: PTH120


def _listed(path: Path, strange: Strange) -> Listed | None:
    """One run; None for what is no run. Whatever is wrong with it is told, and never raised."""
    path = doors.own(path)
    try:
        if not has_plan(path):
            return None
        return _from_digest(path, strange) or _from_plan(path, strange)
    except records.NewerRecord as error:
        return Listed(name=path.name, state="newer", why=error.message)
    except UserError as error:
        closed = "Permission denied" in error.message
        return Listed(name=path.name, state="closed" if closed else "damaged", why=public(error.message))
    except OSError as error:
        return Listed(name=path.name, state="damaged", why=error.strerror or str(error))


def _from_digest(path: Path, strange: Strange) -> Listed | None:
    """A run that ended, from its digest; None where there is none, or no whole one."""
    try:
        found, value = _record(path / DIGEST, Digest)
    except FileNotFoundError:
        return None
    except (records.NewerRecord, doors.Refused):
        raise
    except UserError:
        return None
    return Listed(
        **_shared(path, found.run_id, found.created, found.command),
        **_counts(found.statuses, found.misfits),
        hosts=_kept(found.hosts),
        devices=_kept(found.devices),
        scales=_kept(found.scales),
        keras=_kept(found.keras),
        state="running" if is_locked(path) else "done",
        strange=strange("run", value),
    )


def _from_plan(path: Path, strange: Strange) -> Listed:
    """A run that has no digest: it goes on, was cut short, or is of an older version."""
    plan, value = _record(path / "plan.json", Plan)
    state = _state(path, plan)
    table = _table(path) if state == "done" else None
    counts: dict[str, Any] = {"planned": len(plan.jobs), "ended": _ended(path, plan)}
    if table is not None:
        counts = _counts(Counter(row.status for row in table))
    rows = table or []
    hosts = dict.fromkeys(row.host for row in rows if row.host)
    gpus = dict.fromkeys(row.gpu_name for row in rows if row.gpu_name)
    return Listed(
        **_shared(path, plan.run_id, plan.created, plan.setup.get("command") or ""),
        **counts,
        hosts=_kept(hosts),
        devices=_kept(gpus or dict.fromkeys(job.device for job in plan.planned)),
        scales=_kept(dict.fromkeys(job.scale for job in plan.planned)),
        keras=_kept(dict.fromkeys(row.keras_version for row in rows if row.keras_version)),
        state=state,
        strange=strange("plan", value),
    )


def _record(path: Path, kind: type[T]) -> tuple[T, dict[str, Any]]:
    """A record, and its values as they lie there; the file is read once. Raises as `records.read`, OSError."""
    data = doors.read_json(path)
    try:
        return msgspec.json.decode(data, type=kind), msgspec.json.decode(data)
    except UNREADABLE:
        return records.read(path, kind), {}  # it tells a newer one from a damaged one


def _shared(path: Path, run_id: str, created: str, command: str) -> dict[str, Any]:
    report = doors.kind_of(path / REPORT) == "file"
    return {
        "name": path.name,
        "run_id": run_id,
        "created": one_line(created, MOST_NAME),
        "command": one_line(public(command), MOST_COMMAND),
        "report": report,
    }


def _kept(names: Iterable[str]) -> list[str]:
    """The first of what a record names, each on one line."""
    return [one_line(public(name), MOST_NAME) for name in islice(names, MOST_NAMED)]


def _counts(statuses: dict[str, int], misfits: int = 0) -> dict[str, Any]:
    meant = {status: count for status, count in statuses.items() if status not in NOT_RUN}
    planned, ok = sum(meant.values()), meant.get("ok", 0)
    ended = planned - meant.get(PENDING, 0)
    misfits = min(misfits, meant.get("oom", 0))  # whatever a record says
    return {"planned": planned, "ended": ended, "ok": ok, "failed": ended - ok - misfits, "misfits": misfits}


def _state(path: Path, plan: Plan) -> State:
    if is_locked(path):
        return "running"
    if doors.kind_of(path / MANIFEST):
        return "done"
    return "cut short" if plan.config.get("executor", "local") == "local" else "running"


def is_locked(path: Path) -> bool:
    """Whether an orchestrator works on this run. Raises OSError.

    A shared lock is asked for, so that two who look do not see each other.
    """
    descriptor = doors.open_folder(path)
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _ended(path: Path, plan: Plan) -> int:
    """How many jobs have a record."""
    with contextlib.suppress(OSError):
        return sum((path / "jobs" / job.id / RESULT).is_file() for job in plan.jobs)
    return 0


def _table(path: Path) -> list[_Row] | None:
    """The rows of a run that an older version ended; None where they cannot be read."""
    with contextlib.suppress(OSError, UserError, *UNREADABLE):
        return msgspec.json.decode(doors.read_json(path / "results.json"), type=_Table).results
    return None


def when(created: str) -> str:
    """`2026-11-26 09:55` of a stamp; what is none, as it is."""
    return created[:16].replace("T", " ")


def several(names: Sequence[str]) -> str:
    """`a`, `a and 3 more`: names that have to fit a cell."""
    return f"{names[0]} and {plural(len(names) - 1, 'other')}" if len(names) > 1 else "".join(names)
