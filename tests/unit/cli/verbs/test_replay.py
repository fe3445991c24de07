"""Which run, or which job of it, is replayed."""

from __future__ import annotations

import pytest

from orchestrator.cli.verbs.replay import find_run
from orchestrator.errors import UserError
from orchestrator.model import Result
from orchestrator.results.folder import RunFolder
from tests.make import make_job, make_plan

JOB = make_job()


def test_runs_and_jobs_are_found(tmp_path):
    folder = RunFolder.create(tmp_path, make_plan(jobs=[JOB]))
    folder.write_result(Result(run_id=folder.path.name, job=JOB, status="ok"))
    job = folder.job_folder(JOB)
    assert find_run(folder.path)[1] is None
    assert find_run(job)[1] == find_run(job / "result.json")[1] == JOB.id
    with pytest.raises(UserError, match="neither a run nor a job"):
        find_run(tmp_path)


def test_what_is_no_run_is_named(orchestrate, tmp_path):
    answer = orchestrate("replay", tmp_path)
    assert answer.returncode == 2
    assert str(tmp_path) in answer.stderr
