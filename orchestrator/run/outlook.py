"""What is known of a run before its first job: names for people, and how long the same jobs took in earlier runs.

Earlier runs are read for nothing but the time that is left, which is said to be about so much. So few are read, the
newest first; whatever cannot be read is passed over.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestrator import doors
from orchestrator.errors import OrchestrateError
from orchestrator.executors.executor import Outlook
from orchestrator.executors.prepared import Ready
from orchestrator.model import Host, Job, Plan, Result
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.names import names
from orchestrator.results.folder import RunFolder, Session

#: How many runs, and how many of their results, are read; and for how many seconds at most.
MOST_RUNS, MOST_RESULTS, MOST_S = 20, 500, 2.0
#: What must be equal in two jobs for one to tell how long the other takes. The seed and the repeat need not be.
SAME = ("workload", "variant", "stack", "backend", "device", "scale", "epochs", "batch_size", "train", "steps", "mode")
Key = tuple[object, ...]


def outlook(ready: Ready, folder: RunFolder, catalog: Catalog, host: Host) -> Outlook:
    """Of a session that is about to run what is pending. Never raises for what lies in the folder."""
    pending = {job.id for job in ready.pending}
    return Outlook(
        names=names(ready.plan.planned, catalog.workloads, catalog.stacks),
        jobs=ready.pending,
        done=[result for result in there(folder, ready.plan) if result.job.id not in pending],
        seconds=earlier(folder, ready.pending, host.name),
    )


def session_of(host: str, known: Outlook) -> Session:
    """What this process says of itself while it works on the run."""
    began = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return Session(host=host, began=began, pid=os.getpid(), seconds=known.seconds)


def there(folder: RunFolder, plan: Plan) -> Iterable[Result]:
    """The results that are on record already, of a run that is resumed."""
    for job in plan.jobs:
        try:
            result = folder.result(job)
        except (OrchestrateError, OSError):
            continue
        if result is not None:
            yield result


def earlier(folder: RunFolder, jobs: Sequence[Job], host: str) -> dict[str, float]:
    """Seconds that the same job took on this host (or cluster) in the newest earlier run that has it, by job id."""
    wanted = {_key(job) for job in jobs}
    found: dict[Key, float] = {}
    end, read = time.monotonic() + MOST_S, 0
    for run in itertools.islice(_runs(folder), MOST_RUNS):
        missing = wanted - set(found)
        if not missing or time.monotonic() > end:
            break
        try:
            same = [job for job in run.plan().jobs if _key(job) in missing]
        except (OrchestrateError, OSError):
            continue
        for job in same:
            if read >= MOST_RESULTS or time.monotonic() > end:
                return _by_job(jobs, found)
            if _key(job) not in found:
                read += 1
                seconds = _took(run, job, host)
                found |= {} if seconds is None else {_key(job): seconds}
    return _by_job(jobs, found)


def _by_job(jobs: Sequence[Job], found: Mapping[Key, float]) -> dict[str, float]:
    return {job.id: found[_key(job)] for job in jobs if _key(job) in found}


def _key(job: Job) -> Key:
    return (*(getattr(job, name) for name in SAME), *job.arguments, job.axes_text)


def _runs(folder: RunFolder) -> Iterator[RunFolder]:
    """The other runs beside this one, the newest first, as their names say when they began."""
    beside, names = folder.path.parent, []
    with contextlib.suppress(OrchestrateError, OSError):
        names = doors.names(beside)
    for name in reversed(names):
        with contextlib.suppress(OrchestrateError, OSError):  # a link such as `latest`, too
            if name != folder.path.name and doors.kind_of(beside / name / "plan.json") == "file":
                yield RunFolder(beside / name)


def _took(run: RunFolder, job: Job, host: str) -> float | None:
    try:
        result = run.result(job)
    except (OrchestrateError, OSError):
        return None
    if result is None or result.status != "ok" or result.fingerprint is None:
        return None
    where = result.fingerprint.cluster or result.fingerprint.host
    if where != host or result.launched_t is None or result.exited_t is None:
        return None
    seconds = result.exited_t - result.launched_t
    return seconds if 0 < seconds < job.timeout_s * 2 else None
