"""Which jobs of a recorded run still have to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import UserError
from orchestrator.files import sha256_file
from orchestrator.model import NOT_RUN, DataFile, Job, Plan, Result, Say
from orchestrator.plan.request import ResumeRequest
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import job_is_whole
from orchestrator.results.records import NewerRecord

#: Fields of a fingerprint that must not change in mid-run, and what they are called.
IDENTITY = {
    "workloads_sha256": "the files in workloads/",
    "data_sha256": "the data set {job.dataset}",
    "image_digest": "the image of {job.stack}",
    "keras_spec": "the replaced Keras of {job.stack}",
    "packages_sha256": "the packages of {job.workload} on {job.stack}",
    "launcher": "the launcher",
    "host": "the host",
    "cpu": "the processor",
    "cores": "the number of cores",
    "os": "the operating system or its kernel",
    "machine": "the machine",
    "virtualization": "what the host runs under",
    "cpu_quota": "the CPU quota",
    "driver": "the GPU driver",
    "orchestrator": "the orchestrator's version",
}

#: Those of them that older records do not have.
ADDED = ("machine", "virtualization", "cpu_quota")


def sort_out(folder: RunFolder, plan: Plan, request: ResumeRequest, say: Say) -> tuple[list[Job], dict[str, Result]]:
    """The jobs to run, in plan order, and the results (by job id) that stand."""
    skipped = {skip.job.id: skip.status for skip in plan.skipped}
    pending: list[Job] = []
    kept: dict[str, Result] = {}
    for job in plan.planned:
        result = _whole_result(folder, job, say)
        status = result.status if result else skipped.get(job.id, "cancelled")
        over = request.keep_cancelled and result is not None
        again = not over if status == "cancelled" else request.retry_failed and status not in {"ok", *NOT_RUN}
        if again:
            pending.append(job)
        elif result:
            kept[job.id] = result
    return pending, kept


def _whole_result(folder: RunFolder, job: Job, say: Say) -> Result | None:
    try:
        result = folder.result(job)
    except NewerRecord:  # it is whole, so it is not run again
        raise
    except UserError as error:
        say(f"{job.id}: {error.message}; it runs again")
        return None
    if result is not None and not job_is_whole(folder.job_folder(job)):
        say(f"{job.id}: its record is torn or was altered; it runs again")
        return None
    return result


def present_data(plan: Plan) -> dict[str, DataFile]:
    """The planned data files as they are now. Raises UserError for one that is gone."""
    files = {}
    for name, file in plan.data.items():
        if not Path(file.path).is_file():
            raise UserError(f"the data set {name} of this run is gone: {file.path}", "put it back, or start a new run")
        files[name] = msgspec.structs.replace(file, sha256=sha256_file(Path(file.path)))
    return files


def changes(kept: Mapping[str, Result], now: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """What has changed since results were made, in words, and the ids of the jobs concerned.

    `now`: by job id, those fields of the fingerprint that are known before the job runs.
    """
    found: dict[str, list[str]] = {}
    for job_id, result in kept.items():
        then, current = result.fingerprint, now.get(job_id)
        if then is None or current is None:  # never launched, or nothing to compare with
            continue
        for field, words in IDENTITY.items():
            if (field in ADDED and then.machine is None) or (field == "data_sha256" and then.data_kind == "own"):
                continue
            if field in current and getattr(then, field) != current[field]:
                found.setdefault(words.format(job=result.job), []).append(job_id)
    return found


def add_changed(pending: list[Job], plan: Plan, changed: dict[str, list[str]], rerun: bool, say: Say) -> list[Job]:
    """The jobs to run, with those of `changed` if that is wanted. Raises UserError if it is not."""
    changes = [f"{what} changed after {len(jobs)} of its results" for what, jobs in changed.items()]
    if changes and not rerun:
        raise UserError(
            "not the same run any more: " + "; ".join(changes), "restore it, start a new run, or add --rerun-changed"
        )
    for line in changes:
        say(f"{line}: these run again")
    again = {job_id for jobs in changed.values() for job_id in jobs} | {job.id for job in pending}
    return [job for job in plan.planned if job.id in again]
