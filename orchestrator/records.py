"""The results folder: everything a run leaves, written so that a crash can tear nothing.

<run>/plan.json
<run>/jobs/<job id>/{job.json, events.jsonl, samples.jsonl, log.txt, result.json}
<run>/results.{json,csv,parquet}, epochs.csv, report.{html,md}, charts/
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import secrets
from pathlib import Path
from typing import TypeVar

import msgspec

from orchestrator.errors import HostError, UserError
from orchestrator.model import Job, Plan, Result, Sample, to_json

T = TypeVar("T")
_SAMPLES = msgspec.json.Decoder(Sample)


def new_run_id(now: datetime.datetime) -> str:
    """Sortable, unique on any host, fit for folder and container names."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces `path` in one step: after a crash it is the old file or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _storage_error(path, error) from error


class RunFolder:
    """One run on disk. Made by `create`, opened by `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, results: Path, plan: Plan) -> RunFolder:
        folder = cls(results / plan.run_id)
        try:
            folder.path.mkdir(parents=True)
        except OSError as error:
            raise _storage_error(folder.path, error) from error
        write_atomic(folder.path / "plan.json", to_json(plan))
        _point_latest_at(folder.path)
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        if not (path / "plan.json").is_file():
            raise UserError(f"{path} is not a run: it has no plan.json", "name a folder below results/")
        return cls(path)

    def plan(self) -> Plan:
        return _read(self.path / "plan.json", Plan)

    def job_folder(self, job: Job) -> Path:
        return self.path / "jobs" / job.id

    def write_job(self, job: Job) -> None:
        write_atomic(self.job_folder(job) / "job.json", to_json(job))

    def write_result(self, result: Result) -> None:
        write_atomic(self.job_folder(result.job) / "result.json", to_json(result))

    def results(self) -> dict[str, Result]:
        """By job id; a job that left no (readable) result is not in it."""
        found = {}
        for job in self.plan().planned:
            path = self.job_folder(job) / "result.json"
            if path.is_file():
                found[job.id] = _read(path, Result)
        return found

    def samples(self, job: Job) -> list[Sample]:
        """The raw readings of one job; a torn last line is left out."""
        path = self.job_folder(job) / "samples.jsonl"
        content = path.read_bytes() if path.is_file() else b""
        with contextlib.suppress(msgspec.DecodeError):
            return _SAMPLES.decode_lines(content)  # all at once is much faster, but a torn line spoils all
        found = []
        for line in content.splitlines():
            try:
                found.append(msgspec.json.decode(line, type=Sample))
            except msgspec.DecodeError:
                continue
        return found

    def log_tail(self, job: Job, lines: int = 12) -> str:
        path = self.job_folder(job) / "log.txt"
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16384))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}", "the record is damaged, or of another version") from error


def _point_latest_at(run: Path) -> None:
    """results/latest, a convenience: not being able to make it is no failure."""
    link, fresh = run.parent / "latest", run.parent / f".latest.{os.getpid()}"
    try:
        fresh.symlink_to(run.name)
        fresh.replace(link)
    except OSError:
        fresh.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(path: Path, error: OSError) -> HostError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HostError(f"disk full while writing {path}", "free space; what was written before is intact")
    return HostError(f"cannot write {path}: {error.strerror}", "choose a folder you can write to with --out")
