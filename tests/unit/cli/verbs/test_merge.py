"""merge, query, compare and validate as a user calls them: output, exit codes, one JSON document."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from orchestrator.cli.app import cli
from orchestrator.errors import UserError
from orchestrator.report import charts
from tests.replay.record import RECORDED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shutil.unpack_archive(RECORDED, folder)
    return sorted(folder.iterdir())


def call(*argv, code=0):
    answer = CliRunner().invoke(cli, [str(word) for word in argv])
    assert answer.exit_code == code, (answer.output, answer.exception)
    return answer.stdout


def slowed(run, to, factor):
    """A copy of a run whose every epoch took longer, three times over as repeats that hardly differ."""
    shutil.copytree(run, to)
    plan = json.loads((to / "plan.json").read_text())
    jobs = []
    for job in plan["jobs"]:
        name = ".".join([job["workload"], job["stack"], job["backend"], job["device"]])
        result = json.loads((to / "jobs" / f"{name}.1" / "result.json").read_text())
        for repeat in (1, 2, 3):
            for epoch in result["epochs"]:
                epoch["train_s"] *= factor if repeat == 1 else 1.001
            job = {**job, "repeat": repeat}
            jobs.append(job)
            folder = to / "jobs" / f"{name}.{repeat}"
            folder.mkdir(exist_ok=True)
            (folder / "result.json").write_text(json.dumps({**result, "job": job}))
    (to / "plan.json").write_text(json.dumps({**plan, "jobs": jobs}))
    return to


def small(run, to):
    """A copy of a run with its first two jobs only: charts take their time."""
    shutil.copytree(run, to)
    plan = json.loads((to / "plan.json").read_text())
    (to / "plan.json").write_text(json.dumps({**plan, "jobs": plan["jobs"][:2]}))
    return to


@pytest.fixture
def no_drawing(monkeypatch):
    """The charts are specified, but not drawn: that takes most of the time of a report and has its own tests."""
    monkeypatch.setattr(charts, "draw", lambda title, spec: charts.Picture(title=title, spec=spec, svg="", png=b""))
    monkeypatch.setattr(charts, "javascript", str)


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


def test_a_set_is_reported_alone(runs, tmp_path):
    call("merge", runs[1], "--to", tmp_path / "set")
    answer = CliRunner().invoke(cli, ["report", str(tmp_path / "set"), str(runs[0]), "--to", str(tmp_path / "x")])
    assert isinstance(answer.exception, UserError)
    assert "merge" in answer.exception.hint


def test_merge_and_query(runs, tmp_path):
    text = call("merge", *runs, "--to", tmp_path / "set")
    assert "35 jobs in" in text
    document = json.loads(call("merge", *runs, "--to", tmp_path / "set", "--json"))
    assert len(document["results"]) == 35
    answer = json.loads(
        call("query", "select count(*) as n, min(epoch_s) as s from results", tmp_path / "set", "--json")
    )
    assert answer["rows"][0]["n"] == 35 and answer["rows"][0]["s"] > 0
    assert call("query", "select 1 as one", tmp_path / "set") == "one\n1\n"


def test_a_set_is_no_run_and_a_query_needs_a_set(runs, tmp_path):
    answer = CliRunner().invoke(cli, ["query", "select 1", str(runs[0])])
    assert isinstance(answer.exception, UserError)


def test_compare_exits_1_above_the_threshold_only(runs, tmp_path):
    base, same = slowed(runs[1], tmp_path / "base", 1.0), slowed(runs[1], tmp_path / "same", 1.0)
    slow = slowed(runs[1], tmp_path / "slow", 1.2)
    assert "no significant regression above 5 %" in call("compare", base, same, "--threshold", "5%")
    assert "15 cells regressed by more than 5 %" in call("compare", base, slow, "--threshold", "5%", code=1)
    call("compare", base, slow, "--threshold", "30%")
    call("compare", slow, base, "--threshold", "5%")
    call("compare", base, slow)  # without a threshold it only tells
    document = json.loads(call("compare", base, slow, "--json"))
    assert {ratio["verdict"][:9] for ratio in document["ratios"]} == {"slower by"}
    assert call("compare", base, slow, "--format", "junit").startswith("<?xml")


def test_compare_of_a_set_is_that_of_its_run(runs, tmp_path):
    call("merge", runs[0], "--to", tmp_path / "set")
    document = json.loads(call("compare", runs[0], tmp_path / "set", "--json"))
    assert {ratio["ratio"] for ratio in document["ratios"]} == {1.0}


def test_validate_judges_the_protocol():
    few = ("--experiments", "60", "--repeats", "4")
    kept = json.loads(call("validate", "--between", "0.5%", "--within", "1%", *few, "--json"))
    assert kept["kept"] and kept["noise"]["between"] == 0.005
    text = call("validate", "--between", "20%", "--within", "1%", *few, code=1)
    assert "use a quieter host" in text


def test_validate_says_how_many_repeats_a_noisy_host_needs():
    noisy = ("--between", "3%", "--within", "3%", "--experiments", "60")
    document = json.loads(call("validate", *noisy, "--json", code=1))
    assert document["repeats_needed"] > 10
    assert f"9 of 10 cases from {document['repeats_needed']} repeats on" in call("validate", *noisy, code=1)


def test_validate_judges_a_bound():
    text = call("validate", "--until", "2%", "--experiments", "60", "--between", "0.5%", "--within", "0.5%")
    assert "the protocol, until ±2 %" in text
    assert "after 5 repeats (median)" in text


def test_replay_names_what_is_no_run(tmp_path):
    answer = CliRunner().invoke(cli, ["replay", str(tmp_path)])
    assert isinstance(answer.exception, UserError)
