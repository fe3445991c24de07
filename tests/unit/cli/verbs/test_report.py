"""`orchestrate report`: recorded runs again, or a merged set alone."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from orchestrator.cli.app import cli
from orchestrator.errors import UserError
from orchestrator.model import to_json
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import check_run, write_run_manifest
from orchestrator.run import session
from tests.fakes.stub_orchestrate import rows_only
from tests.make import make_job, make_plan, make_result
from tests.unit.cli.verbs.makers import call, small


@pytest.mark.slow
def test_a_merged_set_is_reported_like_its_runs(runs, tmp_path, no_drawing):
    run, merged = small(runs[0], tmp_path / "run"), tmp_path / "set"
    rows = json.loads(call("merge", run, "--to", merged, "--json"))["results"]
    before = {path.name: path.read_bytes() for path in merged.iterdir() if path.is_file()}
    assert json.loads(call("report", merged, "--json"))["results"] == rows
    assert {name: (merged / name).read_bytes() for name in before} == before  # its tables are those of the merge
    assert f"report: {run / 'report.html'}" in call("report", run)
    ours, direct = ((folder / "report.md").read_text() for folder in (merged, run))

    def tables_of(text):
        return [line for line in text.splitlines() if line.startswith("|")]

    assert len(tables_of(ours)) > 20
    assert set(tables_of(ours)) - set(tables_of(direct)) == set()
    assert "Made from a merged set" in ours
    drawn, also = ({path.name for path in (folder / "charts").iterdir()} for folder in (merged, run))
    assert drawn == also


@pytest.mark.slow
def test_a_set_is_reported_alone(runs, tmp_path):
    call("merge", runs[1], "--to", tmp_path / "set")
    answer = CliRunner().invoke(cli, ["report", str(tmp_path / "set"), str(runs[0]), "--to", str(tmp_path / "x")])
    assert isinstance(answer.exception, UserError)
    assert "merge" in answer.exception.hint


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of two jobs, one of which failed, with its manifest; reports are rows only."""
    monkeypatch.setattr(session, "report", rows_only)
    jobs = [make_job(epochs=3), make_job(epochs=3, repeat=2)]
    folder = RunFolder.create(tmp_path / "results", make_plan(jobs=jobs))
    for job, status in zip(jobs, ("ok", "failed"), strict=True):
        folder.begin(job, 1)
        folder.write_result(make_result(job, status=status, reason="" if status == "ok" else "x"))
    write_run_manifest(folder.path, set())
    return folder


def test_without_a_name_the_latest_run_is_reported_and_sealed_again(orchestrate, run):
    answer = orchestrate("report")
    assert answer.returncode == 0, answer.stderr
    assert "1 of 2 jobs ok" in answer.stdout
    states = dict(check_run(run.path))
    assert states["results.json"] == "ok"
    assert set(states.values()) == {"ok"}


def test_a_report_elsewhere_leaves_the_run_as_it_is(orchestrate, run, tmp_path):
    before = sorted(path.name for path in run.path.iterdir())
    answer = orchestrate("report", run.path, "--to", tmp_path / "x", "--json")
    assert [row["status"] for row in json.loads(answer.stdout)["results"]] == ["ok", "failed"]
    assert (tmp_path / "x" / "results.json").is_file()
    assert sorted(path.name for path in run.path.iterdir()) == before


def test_a_record_that_was_altered_is_not_sealed_by_a_new_report(orchestrate, run):
    (run.path / "plan.json").write_bytes(to_json(run.plan()) + b" ")
    orchestrate("report")
    assert dict(check_run(run.path))["plan.json"] == "altered"


def test_several_runs_need_a_folder(orchestrate, run):
    answer = orchestrate("report", run.path, run.path)
    assert answer.returncode == 2
    assert "name it: --to FOLDER" in answer.stderr


def test_without_any_run_there_is_nothing_to_report(orchestrate):
    answer = orchestrate("report")
    assert answer.returncode == 2
    assert "there is no run 'latest'" in answer.stderr
    assert "-> no runs in results yet: `orchestrate --config smoke` makes one" in answer.stderr


def test_the_seal_is_renewed_before_anything_is_printed(run, monkeypatch):
    def broken(finished, as_json):
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.cli.verbs.report.end", broken)
    call("report", run.path, code=1)
    assert "results.json" in dict(check_run(run.path))
    assert {state for _, state in check_run(run.path)} == {"ok"}
