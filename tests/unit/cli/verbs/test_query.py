"""`orchestrate query`: SQL over a merged set, which it only reads."""

from __future__ import annotations

import json
import sys

import pytest

from orchestrator.cli.app import cli
from orchestrator.errors import UserError
from orchestrator.results import source
from tests.unit.cli.verbs.makers import call


@pytest.mark.slow
def test_a_merged_set_is_queried(runs, tmp_path):
    call("merge", *runs, "--to", tmp_path / "set")
    words = "select count(*) as n, min(epoch_s) as s from results"
    document = json.loads(call("query", words, tmp_path / "set", "--json"))
    assert document["columns"] == ["n", "s"]
    assert document["rows"][0]["n"] == 35 and document["rows"][0]["s"] > 0
    assert call("query", "select 1 as one", tmp_path / "set") == "one\n1\n"
    with pytest.raises(UserError, match="one statement that reads"):
        cli.main(["query", "drop view results", str(tmp_path / "set")], standalone_mode=False)


@pytest.fixture
def answers(monkeypatch):
    """A query gives one row with a missing value."""
    asked = []

    def query(folder, sql):
        asked.append((folder.name, sql))
        return ["host", "n"], [("a", 1), (None, 2)]

    monkeypatch.setattr(source, "query", query)
    return asked


def test_an_answer_is_a_table_for_a_pipe_or_a_document(orchestrate, answers, tmp_path):
    (tmp_path / "results" / "all").mkdir(parents=True)
    assert orchestrate("query", "select x").stdout == "host\tn\na\t1\n\t2\n"
    assert json.loads(orchestrate("query", "select x", "results/all", "--json").stdout) == {
        "columns": ["host", "n"],
        "rows": [{"host": "a", "n": 1}, {"host": None, "n": 2}],
    }
    assert answers == [("all", "select x")] * 2


def test_a_folder_of_another_kind_is_said(orchestrate, tmp_path):
    answer = orchestrate("query", "select 1", tmp_path)
    assert answer.returncode == 2
    assert f"{tmp_path} is neither a run nor a merged set" in answer.stderr


@pytest.mark.slow
def test_a_run_is_merged_for_its_query_and_left_as_it_was(runs):
    before = sorted(runs[0].rglob("*"))
    document = json.loads(
        call("query", "select count(*) as n, count(distinct run_id) as r from results", runs[0], "--json")
    )
    assert document["rows"][0]["n"] > 0
    assert document["rows"][0]["r"] == 1
    assert sorted(runs[0].rglob("*")) == before


def test_without_a_set_its_place_is_named(orchestrate):
    answer = orchestrate("query", "select 1")
    assert answer.returncode == 2
    assert "results/all" in answer.stderr


def test_without_duckdb_it_says_so_before_it_asks_for_a_set(orchestrate, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = orchestrate("query", "select 1", tmp_path)
    assert done.returncode == 3 and "pip install 'keras-orchestrate[tables]'" in done.stderr
