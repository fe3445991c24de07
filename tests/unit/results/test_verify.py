"""Every file of a run is held against the manifest that was written with it."""

from __future__ import annotations

import pytest

from orchestrator.model import Result
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import write_run_manifest
from orchestrator.results.verify import verified
from tests.make import make_job, make_plan

JOB = make_job()


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path, make_plan(jobs=[JOB]))
    (folder.begin(JOB, 1) / "log.txt").write_text("x")
    folder.write_result(Result(run_id=folder.path.name, job=JOB, status="ok"))
    write_run_manifest(folder.path, {"plan.json", f"jobs/{JOB.id}/manifest.json"})
    return folder


def test_a_run_as_it_was_written_is_whole(run):
    states = dict(verified(run))
    assert set(states.values()) == {"ok"}
    assert {"plan.json", f"jobs/{JOB.id}/result.json", f"jobs/{JOB.id}/log.txt"} <= set(states)


def test_what_was_changed_or_is_gone_is_named(run):
    (run.job_folder(JOB) / "log.txt").write_text("y")
    (run.job_folder(JOB) / "result.json").unlink()
    states = dict(verified(run))
    assert states[f"jobs/{JOB.id}/log.txt"] == "altered"
    assert states[f"jobs/{JOB.id}/result.json"] == "missing"


def test_an_earlier_attempt_is_checked_too(run):
    run.begin(JOB, 2)
    kept = f"jobs/{JOB.id}/attempts/1"
    assert dict(verified(run))[f"{kept}/log.txt"] == "ok"
    (run.path / kept / "log.txt").write_text("y")
    assert dict(verified(run))[f"{kept}/log.txt"] == "altered"
