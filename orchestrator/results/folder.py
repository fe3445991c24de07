"""The folder of a run: everything that it leaves.

Records (.json) are written in one step: after a crash each is as it was, or complete. A .jsonl or log file may then
lack its end.

<run>/plan.json
<run>/jobs/<job id>/{job.json, events.jsonl, samples.jsonl, log.txt, manifest.json, result.json}
<run>/jobs/<job id>/gpu-1.parquet   readings of its GPU, where the job ran on a node of a cluster
<run>/jobs/<job id>/attempts/<n>/   what earlier attempts of a resumed job left
<run>/gpu-<n>.{jsonl while it runs, then parquet}  readings of the GPUs; n counts the sessions of a resumed run
<run>/live.json                     while a session goes on: where, since when
<run>/until.json                    how `--until` ended
<run>/run.json                      the run in a few lines, for lists of runs (history/digest.py)
<run>/results.{json,csv,parquet}, epochs.csv, report.{html,md}, charts/, manifest.json
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orchestrator import doors
from orchestrator.doors import READINGS_LIMIT, UNREADABLE, Refused
from orchestrator.errors import HostError, UserError
from orchestrator.files import disk_errors, locked, remove_tree, storage_error, sync, try_lock, write_atomic
from orchestrator.model import MOST_JOBS, GpuSample, Job, Noun, Plan, Positive, Result, Sample, Status, to_json
from orchestrator.results import gpu_readings, records
from orchestrator.results.manifest import LIVE, MANIFEST, RAW, RESULT, job_is_whole, write_job_manifest
from orchestrator.results.records import NewerRecord

#: The folder of a job that the job itself can write to. What it leaves there is removed, and never read as a record.
OUT = "out"
#: The link in a results folder that points at the run that was begun last; also what a user calls that run.
LATEST = "latest"
#: Readings of the processes of one job: a week of five in a second.
MOST_SAMPLES = 3_500_000
#: Epochs of one run. Each becomes a row of some two kilobytes.
MOST_EPOCHS_READ = 2_000_000
_SAMPLES = msgspec.json.Decoder(Sample)


class Closed(UserError):
    """A run that cannot be looked through: it is another user's, and a job of it may be running."""


class Attempt(Noun, frozen=True, kw_only=True):
    """job.json: written before a job starts, so that an attempt that was killed still counts."""

    job: Job
    attempt: Positive


class Session(Noun, frozen=True, kw_only=True):
    """live.json: who works on a run now. `seconds`: what its jobs took in earlier runs, by job id."""

    host: str
    began: str
    pid: int
    seconds: dict[str, float] = {}


class RunFolder:
    """One run on the disk. Made by `create`, opened by `open` or `locate`; no link leads to `path` or out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = False
        self._series: gpu_readings.Series | None = None

    @classmethod
    def create(cls, results: Path, plan: Plan) -> RunFolder:
        """Make the folder of a new run below `results` and write its plan. Raises HostError where the disk refuses."""
        with disk_errors(results / plan.run_id):
            results.mkdir(parents=True, exist_ok=True)
            folder = cls(doors.own(results) / plan.run_id)
            folder.path.mkdir()
        write_atomic(folder.path / "plan.json", to_json(plan))
        _point_latest_at(folder.path)
        return folder

    @property
    def is_latest(self) -> bool:
        """Whether the link `latest` leads here. In a folder that several users share it may be another user's."""
        return os.path.realpath(self.path.parent / LATEST) == os.path.realpath(self.path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The run in the folder `path`, looked through before anything is done with it.

        Raises UserError where there is none, where anything in it is neither file nor folder, and Closed.
        """
        if not has_plan(path):
            raise UserError(f"{path} is not a run: it has no plan.json", "name a folder below results/")
        folder = cls(path.resolve())
        try:
            doors.look_through(folder.path, spared=OUT)
        except PermissionError as error:
            hint = "a job's folder is its user's alone until the job has ended: wait for that, or ask whose run it is"
            raise Closed(f"{error.filename} is closed to you", hint) from error
        return folder

    @classmethod
    def locate(cls, results: Path, run: str) -> RunFolder:
        """The run `run`: a folder, an id below `results`, or `latest`. Raises UserError where there is none."""
        link = results / LATEST
        if run == LATEST and os.path.isdir(link) and not os.path.islink(link):  # noqa: PTH112, PTH114 (these never raise)
            raise UserError(f"{link} is a folder of its own, and no link to the last run", "name the run, or rename it")
        here = [path for path in (Path(run), results / run) if has_plan(path)]
        if not here:
            if any(map(os.path.lexists, (Path(run) / "set.json", results / run / "set.json"))):
                hint = "name one of the runs that were merged; `report` and `query` read sets"
                raise UserError(f"{run} is a merged set, and no run", hint)
            hint = f"runs are kept below {results}; `latest` is the last one"
            if run == LATEST and not any(results.glob("*/plan.json")):
                hint = f"no runs in {results} yet: `orchestrate --config smoke` makes one"
            raise UserError(f"there is no run {run!r}", hint)
        return cls.open(here[0])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One orchestrator at a time writes here. The kernel drops a dead one's lock. Raises UserError when taken."""

        def refuse() -> None:
            raise UserError(f"{self.path} is in use: that run still goes on", "wait for its end, or stop it")

        with locked(doors.open_folder(self.path), refuse):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def goes_on(self) -> bool:
        """Whether another orchestrator works on this run now, or its jobs go on without one, not collected yet."""
        if self._held:
            return False
        if self.plan().config.get("executor", "local") != "local" and not doors.kind_of(self.path / MANIFEST):
            return True
        descriptor = doors.open_folder(self.path)
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def running(self) -> set[str] | None:
        """Ids of the jobs that run now; None for a run that is over.

        A job runs that this session has begun and that has no result. On a cluster its node must have begun it.
        """
        if not self.goes_on():
            return None
        plan, since = self.plan(), self.session()
        away = plan.config.get("executor", "local") != "local"
        return {job.id for job in plan.jobs if self._begun(job, since[1] if since else None, away)}

    def _begun(self, job: Job, since: float | None, away: bool) -> bool:
        folder = self.job_folder(job)
        try:
            if doors.kind_of(folder / RESULT):
                return False
            if away:
                attempts = [name for name in doors.names(folder / "slurm") if "-" in name]
                return any(doors.kind_of(folder / "slurm" / name / "started.json") for name in attempts)
            begun = _changed(folder / "job.json")
            return begun is not None and (since is None or begun >= since)
        except OSError:
            return False

    @contextmanager
    def live(self, session: Session) -> Iterator[None]:
        """Tells whoever watches this run of the session that goes on; after it there is nothing to tell."""
        with contextlib.suppress(HostError, Refused):  # nobody is told then, and the run goes on
            write_atomic(self.path / LIVE, to_json(session))
        yield
        with contextlib.suppress(OSError, Refused):
            doors.remove(self.path / LIVE)

    def session(self) -> tuple[Session, float] | None:
        """The session that goes on, or that was killed, and when it began by the clock of the disk; None without."""
        began = _changed(self.path / LIVE)
        found = doors.read_record(self.path / LIVE, Session)
        return None if found is None or began is None else (found, began)

    def plan(self) -> Plan:
        """What was planned. Raises UserError for what is no plan, or has a job twice, none, or far too many."""
        plan = records.read(self.path / "plan.json", Plan)
        jobs = Counter(job.id for job in plan.planned)
        if len(jobs) > 2 * MOST_JOBS:  # `--until` may have added some
            raise UserError(f"{self.path / 'plan.json'}: {len(jobs):,} jobs are too many", doors.HINT)
        if not jobs or max(jobs.values()) > 1:
            fault = f"job {max(jobs, key=lambda job: jobs[job])} is there twice" if jobs else "there are no jobs"
            raise UserError(f"{self.path / 'plan.json'}: {fault}", "the record is damaged, or of another version")
        return plan

    def plan_text(self) -> bytes:
        """plan.json as it lies there: a seal is over what was written, whatever this version makes of it."""
        return doors.read_json(self.path / "plan.json")

    def job_folder(self, job: Job) -> Path:
        return self.path / "jobs" / job.id

    def write_plan(self, plan: Plan) -> None:
        write_atomic(self.path / "plan.json", to_json(plan))

    def begin(self, job: Job, attempt: int) -> Path:
        """Make the job's own, empty folder; what an earlier attempt left there is moved to attempts/<n>."""
        folder = self.job_folder(job)
        with disk_errors(folder):
            if doors.kind_of(folder):
                _set_aside(folder)
            doors.make(folder)
        write_atomic(folder / "job.json", to_json(Attempt(job=job, attempt=attempt)))
        return folder

    def attempts(self, job: Job) -> int:
        """How many times this job was begun."""
        with contextlib.suppress(UserError):
            return records.read(self.job_folder(job) / "job.json", Attempt).attempt
        began = doors.kind_of(self.job_folder(job) / "job.json") is not None
        return _last_number(self.job_folder(job) / "attempts") + began

    def write_result(self, result: Result) -> None:
        """Write the job's manifest and then its result. Raises HostError where the disk refuses."""
        folder, data = self.job_folder(result.job), to_json(result)
        try:
            write_job_manifest(folder, data)
        except OSError as error:
            raise storage_error(folder, error) from error
        write_atomic(folder / RESULT, data)

    def result(self, job: Job) -> Result | None:
        """The job's result, None where there is none.

        Raises NewerRecord, and UserError for a damaged record or one of another job.
        """
        path = self.job_folder(job) / RESULT
        if doors.kind_of(path) is None:
            return None
        found = records.read(path, Result)
        if found.job != job:
            raise UserError(f"{path}: $.job is {found.job.id}, which is not the job that was planned here")
        return found

    def results(self) -> dict[str, Result]:
        """The results of all planned jobs (see `results_of`)."""
        plan = self.plan()
        return self.results_of(plan.run_id, plan.planned)

    def results_of(self, run_id: str, jobs: Iterable[Job]) -> dict[str, Result]:
        """The results of these jobs by id; a job without a record is left out.

        A damaged record gives a failed result, one of a newer version an unsupported one. Raises doors.Refused for what
        is no file, and UserError for more epochs than a host's memory bears.
        """
        found, epochs = {}, 0
        for job in jobs:
            try:
                result = self.result(job)
            except Refused:
                raise
            except UserError as error:
                status: Status = "unsupported" if isinstance(error, NewerRecord) else "failed"
                result = Result(run_id=run_id, job=job, status=status, reason=records.reason(error))
            if result is not None:
                found[job.id] = result
                epochs += len(result.epochs)
            if epochs > MOST_EPOCHS_READ:
                raise UserError(
                    f"{self.path} has more than {MOST_EPOCHS_READ:,} epochs, which are not read", doors.HINT
                )
        return found

    def samples(self, job: Job) -> list[Sample]:
        """The raw readings of one job; a torn last line is left out. Raises UserError for more than a week of them."""
        path, content = self.job_folder(job) / "samples.jsonl", b""
        with contextlib.suppress(FileNotFoundError):
            content = doors.read(path, READINGS_LIMIT)
        if content.count(b"\n") > MOST_SAMPLES:
            raise UserError(f"{path} has more than {MOST_SAMPLES:,} readings, which no job has", doors.HINT)
        with contextlib.suppress(*UNREADABLE):
            return _SAMPLES.decode_lines(content)  # all at once is much faster, but a torn line spoils all
        found = []
        for line in content.splitlines():
            with contextlib.suppress(*UNREADABLE):
                found.append(_sample(line))
        return found

    def gpu_samples(self, result: Result) -> list[GpuSample]:
        """The readings of a job's GPU while it ran, and a moment before and after."""
        uuid = result.fingerprint.gpu_uuid if result.fingerprint else None
        if uuid is None or result.launched_t is None or result.exited_t is None:
            return []
        own = self.job_folder(result.job)  # holds readings if the job was measured on a node of a cluster
        place = own if any(name.startswith("gpu-") for name in doors.names(own)) else self.path
        window = result.launched_t - 1, result.exited_t + 1
        if self._series is not None and place == self.path:
            return self._series.read(uuid, *window)
        return gpu_readings.read(place, uuid, *window)

    @contextmanager
    def series_open(self) -> Iterator[None]:
        """The readings of GPUs are opened once for the block, and not anew for each job."""
        with gpu_readings.Series(self.path) as self._series:
            try:
                yield
            finally:
                self._series = None

    def log_tail(self, job: Job, lines: int = 12) -> str:
        """The last lines of the job's output, "" where there is none."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(doors.tail(self.job_folder(job) / "log.txt")[-lines:])
        return ""


def _changed(path: Path) -> float | None:
    """When a file was written last, by the clock of the disk that it lies on; None where there is none."""
    try:
        descriptor = doors.open_file(path)
    except FileNotFoundError:
        return None
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


def _sample(line: bytes) -> Sample:
    """One reading, without what a newer version knows of it."""
    known = msgspec.json.decode(line, type=dict[str, object])
    return msgspec.convert({name: known[name] for name in Sample.__struct_fields__ if name in known}, Sample)


def _set_aside(folder: Path) -> None:
    """Move the files of an earlier attempt to attempts/<n>; the folder that the job could write is removed."""
    there = doors.names(folder)
    for name in there:
        if name == OUT or (name.startswith(".") and name.endswith(".tmp")):
            with contextlib.suppress(FileNotFoundError):
                remove_tree(folder / name)
    names = [name for name in (*RAW, MANIFEST, RESULT) if name in there]
    if not names:
        return
    if not job_is_whole(folder):  # the files are kept, but no manifest says that they are complete
        doors.remove(folder / MANIFEST)
        names = [name for name in names if name != MANIFEST]
    kept = folder / "attempts" / str(1 + _last_number(folder / "attempts"))
    doors.make(kept)
    for name in sorted(names, key=lambda name: name != RESULT):  # the result first: without it the rest is no record
        doors.move(folder / name, kept / name)
    sync(folder)


def _last_number(attempts: Path) -> int:
    """The number of the last attempt that was set aside, 0 for none."""
    return max((int(name) for name in doors.names(attempts) if re.fullmatch("[0-9]{1,9}", name)), default=0)


def has_plan(path: Path) -> bool:
    """Whether this is meant to be the folder of a run, whatever its plan.json is.

    Raises UserError where that cannot be seen.
    """
    try:
        os.lstat(path / "plan.json")
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def _point_latest_at(run: Path) -> None:
    """Point the link results/latest at this run; where links cannot be made there is none, rather than an old one."""
    link, fresh = run.parent / LATEST, run.parent / f".{LATEST}.{os.urandom(4).hex()}.tmp"
    try:
        fresh.symlink_to(run.name)
        fresh.replace(link)
    except OSError:
        fresh.unlink(missing_ok=True)
        if link.is_symlink():
            with contextlib.suppress(OSError):
                link.unlink()
