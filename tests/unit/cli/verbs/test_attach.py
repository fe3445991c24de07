"""`orchestrate attach`: looks at a run that goes on, or waits for its end; it never begins anything else."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.verbs import attach as verb
from orchestrator.results.folder import RunFolder
from orchestrator.run import owner
from orchestrator.run.session import Finished
from tests.make import make_plan, row


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What was asked: (collect or resume, the request, submit or away)."""
    made = []
    folder = RunFolder.create(tmp_path / "results", make_plan())

    def collect(request, submit, listener):
        made.append(("collect", request, submit))
        return folder, {"recorded": 1, "running": 2}

    def resume(request, listener, away):
        made.append(("resume", request, away))
        return Finished(rows=[row(status="failed", reason="x")], out=folder.path)

    monkeypatch.setattr(verb, "collect", collect)
    monkeypatch.setattr(verb, "resume", resume)
    return made


@pytest.mark.parametrize(("flag", "submit"), [("--no-wait", False), ("--detach", True)])
def test_a_look_prints_how_jobs_stand_and_returns(orchestrate, calls, tmp_path, flag, submit):
    answer = orchestrate("attach", "latest", flag)
    assert (answer.returncode, answer.stderr) == (0, "1 recorded, 2 running\n")
    assert answer.stdout.startswith("orchestrate attach ")
    assert [(what, how) for what, _, how in calls] == [("collect", submit)]


def test_else_it_waits_and_exits_as_the_run_would_have(orchestrate, calls):
    answer = orchestrate("attach", "latest", "--json")
    assert answer.returncode == 1
    assert [row["status"] for row in json.loads(answer.stdout)["results"]] == ["failed"]
    assert [(what, how) for what, _, how in calls] == [("resume", True)]


def test_what_was_cancelled_stays_so_and_nothing_is_downloaded(orchestrate, calls):
    orchestrate("attach", "x", "--out", "elsewhere")
    request = calls[0][1]
    assert (request.run, str(request.out)) == ("x", "elsewhere")
    assert request.keep_cancelled and not request.may_fetch
    assert not (request.retry_failed or request.rerun_changed or request.typed)


def test_a_run_of_this_host_goes_on_with_resume(orchestrate, tmp_path):
    RunFolder.create(tmp_path / "results", owner.sealed(make_plan(), print))
    answer = orchestrate("attach", "latest")
    assert answer.returncode == 2
    assert "did not run on a cluster" in answer.stderr
    assert "`orchestrate run --resume` goes on with it" in answer.stderr


def test_a_run_must_be_named_and_be_there(orchestrate):
    assert orchestrate("attach").returncode == 2
    answer = orchestrate("attach", "nosuch")
    assert answer.returncode == 2
    assert "there is no run 'nosuch'" in answer.stderr
