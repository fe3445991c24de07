"""What is on record, for programs: the same rows, verdicts and ranking as the report and `--json`."""

from __future__ import annotations

import json
import shutil

import pytest

import orchestrator
from orchestrator.errors import UserError
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS
from orchestrator.results.merged_set import merge_sources
from tests.fakes.in_process import orchestrate


@pytest.fixture
def calls(unpacked, tmp_path):
    return shutil.copytree(unpacked[0], tmp_path / "results" / unpacked[0].name)


def test_rows_verdicts_and_answer_are_those_of_the_command(calls, tmp_path):
    found = orchestrator.load(calls)
    told = json.loads(orchestrate(["report", calls, "--to", tmp_path / "page", "--json"], tmp_path, {}).stdout)
    plain = json.loads(orchestrator.model.to_json([found.rows[0], *found.verdicts(), found.answer]))
    assert plain == [told["results"][0], *told["cells"], told["answer"]]
    assert [list(row) for row in found.rows] == [list(COLUMNS)] * 6
    assert (found.paths, found.notes) == ([calls], [])


def test_the_ranking_is_that_of_the_first_screen(unpacked):
    found = orchestrator.load(unpacked[1])
    ranking = found.ranking()
    assert ranking[0].leads and ranking[0].times is None and ranking[0].overall >= 1
    assert [place.overall for place in ranking if place.overall] == sorted(p.overall for p in ranking if p.overall)
    assert found.answer.sentences[0].startswith(ranking[0].contender)
    assert {place.contender for place in ranking} == {cell.contender for cell in found.verdicts()}
    assert len(found.epochs) == sum(row["epochs"] for row in found.rows if row["status"] == "ok")
    assert list(found.epochs[0]) == list(EPOCH_COLUMNS)


def test_a_set_and_several_of_both_are_loaded_and_each_job_is_there_once(unpacked, calls, tmp_path):
    merge_sources([calls], tmp_path / "set")
    of_set, of_run, of_both = (
        orchestrator.load(*paths) for paths in ([tmp_path / "set"], [calls], [calls, tmp_path / "set"])
    )
    for each in (of_set, of_both):
        assert [cell.seconds for cell in each.verdicts()] == [cell.seconds for cell in of_run.verdicts()]
        assert len(each.rows) == 6
    assert of_both.paths == [calls, tmp_path / "set"]
    with pytest.raises(UserError, match=r"these runs timed different things \(predict, train\)"):
        orchestrator.load(*unpacked)


def test_the_latest_run_is_meant_where_none_is_named(calls):
    (calls.parent / "latest").symlink_to(calls.name)
    assert orchestrator.load(out=calls.parent).paths == [calls]


def test_what_is_neither_run_nor_set_is_the_callers_mistake(tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        orchestrator.load(tmp_path)
    with pytest.raises(UserError, match="no run 'latest'"):
        orchestrator.load(out=tmp_path)


def test_a_report_is_written_where_there_is_none_and_left_where_there_is_one(calls, tmp_path):
    found = orchestrator.load(calls)
    assert found.report() == calls / "report.html" and "JAX 0.10.2" in found.report().read_text()
    (calls / "report.html").write_text("mine")
    assert found.report().read_text() == "mine"
    assert found.report(to=tmp_path / "page") == tmp_path / "page" / "report.html"
    assert (tmp_path / "page" / "results.csv").is_file()


def test_several_runs_have_their_report_in_a_folder_of_its_own(unpacked, tmp_path):
    both = orchestrator.load(*sorted(unpacked[1].parent.glob("2*")))
    with pytest.raises(UserError, match="a folder of its own"):
        both.report()
    assert both.report(tmp_path / "page").is_file()


def test_a_notebook_shows_the_verdicts_without_markup_of_strangers(unpacked, tmp_path):
    run = shutil.copytree(unpacked[0], tmp_path / "run")
    for record in run.glob("jobs/*/result.json"):
        record.write_text(record.read_text().replace('"framework_version": "0.10.2"', '"framework_version": "<b>0"'))
    found = orchestrator.load(run)
    assert "&lt;b&gt;0" in found._repr_html_() and "<b>" not in found._repr_html_()
    assert repr(found).splitlines()[0] == "<Results: 6 of 6 jobs ok>"
    assert "0.111 ms" in found._repr_html_()


@pytest.mark.parametrize(
    ("paths", "more", "said"),
    [
        ((), {"price": -1}, "price: -1 is not above 0"),
        ((), {"price": "x"}, "price: 'x' is not a price"),
        ((5,), {}, "paths: 5 is not a path"),
        ((b"..",), {}, "is not a path"),
        ((), {"out": 3}, "out: 3 is not a path"),
        ((), {"root": 3}, "root: 3 is not a path"),
    ],
)
def test_a_wrong_value_is_the_callers_mistake_at_once(paths, more, said):
    with pytest.raises(UserError, match=said):
        orchestrator.load(*paths, **more)


def test_calls_have_no_price_and_training_has_one(unpacked, tmp_path):
    with pytest.raises(UserError, match="money is not worked out for `predict`"):
        orchestrator.load(unpacked[0], price=1)
    merge_sources([unpacked[0]], tmp_path / "set")
    with pytest.raises(UserError, match="money is not worked out for `predict`"):
        orchestrator.load(tmp_path / "set", price=1)
    found = orchestrator.load(unpacked[1], price=1)
    with pytest.raises(UserError, match="to: 7 is not a path"):
        found.report(to=7)
