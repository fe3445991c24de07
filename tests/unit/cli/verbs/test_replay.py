"""Which run, or which job of it, is replayed."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.cli.verbs import replay as verb
from orchestrator.cli.verbs.replay import find_run
from orchestrator.errors import UserError
from orchestrator.model import DataFile, Result
from orchestrator.results.folder import RunFolder
from orchestrator.run import owner
from orchestrator.run.session import Finished
from tests.fakes.roots import make_data
from tests.make import FINGERPRINT, make_job, make_plan, make_result, row

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


@pytest.mark.parametrize(("scripts", "code"), [("1" * 64, 0), ("9" * 64, 1)])
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_replay_that_could_compare_nothing_is_red(orchestrate, tmp_path, monkeypatch, scripts, code, words):
    plans = [make_plan(run_id=f"20260101-000000-abc{n}", jobs=[JOB], setup={"launcher": "process"}) for n in (1, 2)]
    folders = [RunFolder.create(tmp_path, owner.sealed(plan, print)) for plan in plans]
    for folder, sha256 in zip(folders, ("1" * 64, scripts), strict=True):
        fingerprint = msgspec.structs.replace(FINGERPRINT, workloads_sha256=sha256)
        folder.write_result(make_result(JOB, run_id=folder.path.name, fingerprint=fingerprint))
    finished = Finished(rows=[row()], out=folders[1].path)
    monkeypatch.setattr(verb, "_run", lambda *given: finished)
    answer = orchestrate("replay", folders[0].path, "--launcher", "process", *words)
    assert answer.returncode == code
    said = answer.stderr if words else answer.stdout
    assert ("FAILED: no cell could be compared (1: different workloads_sha256)" in said) is (code == 1)


@pytest.fixture
def with_data(tmp_path):
    """A recorded run of mnist, and a folder with another mnist."""
    file = DataFile(dataset="mnist", path="/gone/mnist.npz", sha256="2" * 64, kind="given", name="mnist.npz")
    plan = make_plan(jobs=[JOB], data={"mnist": file}, setup={"launcher": "process"})
    folder = RunFolder.create(tmp_path / "results", owner.sealed(plan, print))
    return folder.path, make_data(tmp_path / "other")


def test_other_data_than_recorded_are_refused_before_anything_is_made_ready(orchestrate, with_data, monkeypatch):
    monkeypatch.setattr(verb, "choose_executor", lambda *_: pytest.fail("nothing may be made ready"))
    answer = orchestrate("replay", with_data[0], "--data-dir", with_data[1])
    assert answer.returncode == 2
    assert "mnist is 2222222222222222222... (given) on record, and " in answer.stderr
    assert "--other-data replays all the same" in answer.stderr


def test_other_data_are_replayed_where_that_is_asked_for(orchestrate, with_data, monkeypatch):
    asked = []

    def choose(request, catalog, say):
        asked.append(request.seed_plan.data["mnist"].path)
        raise UserError("far enough")

    monkeypatch.setattr(verb, "choose_executor", choose)
    answer = orchestrate("replay", with_data[0], "--data-dir", with_data[1], "--other-data")
    assert "far enough" in answer.stderr
    assert asked == [str(with_data[1] / "mnist.npz")]
