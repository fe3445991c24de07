"""Compares the files of a recorded run with the manifests that were written with them."""

from __future__ import annotations

from orchestrator import doors
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import MANIFEST, State, check_job, check_run


def verified(folder: RunFolder) -> list[tuple[str, State]]:
    """(path, state) of every file that the run has, or should have."""
    found: list[tuple[str, State]] = list(check_run(folder.path))
    plan = folder.plan()
    skipped = {skip.job.id for skip in plan.skipped}
    for job in plan.planned:
        own = folder.job_folder(job)
        if job.id in skipped and doors.kind_of(own) is None:
            continue
        found += [(f"jobs/{job.id}/{name}", state) for name, state in check_job(own)]
        for number in doors.names(own / "attempts"):
            kept = own / "attempts" / number
            if doors.kind_of(kept / MANIFEST):
                where = kept.relative_to(folder.path).as_posix()
                found += [(f"{where}/{name}", state) for name, state in check_job(kept)]
    return found
