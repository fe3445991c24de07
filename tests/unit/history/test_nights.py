"""Runs, sets and folders of runs are read as nights, each once and in order; what cannot be read is told."""

from __future__ import annotations

import json
import shutil

import pytest

from orchestrator.errors import UserError
from orchestrator.history import nights as module
from orchestrator.history.nights import read_nights
from orchestrator.plan.catalog import load_catalog
from orchestrator.results.folder import RunFolder
from orchestrator.results.merged_set import merge_sources
from tests.fakes.nights import night, run_id

CATALOG = load_catalog()


@pytest.fixture
def results(tmp_path):
    for number in (2, 0, 1):
        night(tmp_path / "results", number, {"jax": [1.0, 1.1]})
    return tmp_path / "results"


def ids(read):
    return [each.run_id for each in read.nights]


def test_a_folder_of_runs_is_read_in_order_and_each_run_once(results):
    again = shutil.copytree(results / run_id(1), results / "a-copy")
    read = read_nights([results, results / run_id(1), again], CATALOG)
    assert ids(read) == [run_id(0), run_id(1), run_id(2)] and read.notes == []
    assert read.nights[0].when == "2026-03-01T02:00:00" and len(read.nights[0].rows) == 2


def test_two_runs_of_one_second_are_in_the_order_of_their_ids(results):
    for tail in ("80aaaa", "7fbbbb"):
        night(results, 1, {"jax": [1.0]}, tail)
    assert ids(read_nights([results], CATALOG))[1:4] == [run_id(1), run_id(1, "7fbbbb"), run_id(1, "80aaaa")]


def test_a_run_that_goes_on_or_is_damaged_is_left_out_with_a_note(results):
    (results / run_id(2) / "results.json").unlink()
    (results / run_id(2) / "plan.json").write_text("{")
    with RunFolder.open(results / run_id(0)).locked():
        read = read_nights([results], CATALOG)
    assert ids(read) == [run_id(1)]
    assert f"{run_id(0)} is left out: it still goes on" in read.notes[0]
    assert f"{run_id(2)} is left out" in read.notes[1] and "plan.json" in read.notes[1]


@pytest.mark.parametrize("spoil", [{"epoch_s": "fast"}, {"status": "odd"}, {"epochs": None}, {"run_id": None}])
def test_a_table_that_is_none_is_made_anew_from_the_records(results, monkeypatch, spoil):
    path = results / run_id(1) / "results.json"
    table = json.loads(path.read_text())
    table["results"][0].update(spoil)
    path.write_text(json.dumps(table))
    asked, real = [], module.read_source
    monkeypatch.setattr(module, "read_source", lambda run: asked.append(run.name) or real(run))
    read_nights([results], CATALOG)
    assert asked == [run_id(1)]


def test_a_table_of_an_older_version_is_made_anew(results, monkeypatch):
    path = results / run_id(1) / "results.json"
    table = json.loads(path.read_text())
    for row in table["results"]:
        del row["cpu_quota"]
    path.write_text(json.dumps(table))
    asked, real = [], module.read_source
    monkeypatch.setattr(module, "read_source", lambda run: asked.append(run.name) or real(run))
    read_nights([results], CATALOG)
    assert asked == [run_id(1)]


def test_a_table_without_a_column_that_no_line_needs_is_taken_as_it_is(results, monkeypatch):
    for number in range(3):
        path = results / run_id(number) / "results.json"
        table = json.loads(path.read_text())
        for row in table["results"]:
            del row["energy_j"], row["rss_peak_mb"]
            row["of_a_newer_version"] = 1
        path.write_text(json.dumps(table))
    monkeypatch.setattr(module, "read_source", pytest.fail)
    assert len(ids(read_nights([results], CATALOG))) == 3


def test_the_runs_of_a_merged_set_stay_nights_of_their_own(tmp_path, runs):
    merge_sources(runs[:2], tmp_path / "set")
    read = read_nights([tmp_path / "set"], CATALOG)
    assert ids(read) == sorted(run.name for run in runs[:2]) and all(each.rows for each in read.nights)


def test_what_is_no_run_is_a_mistake(tmp_path, results):
    with pytest.raises(UserError, match="is not there"):
        read_nights([tmp_path / "nowhere"], CATALOG)
    (results / run_id(0) / "results.json").unlink()
    (results / run_id(0) / "plan.json").write_text("{")
    with pytest.raises(UserError):
        read_nights([results / run_id(0)], CATALOG)
    assert ids(read_nights([tmp_path], CATALOG)) == []


def test_no_text_of_a_row_or_of_a_note_tells_a_secret(results):
    path = results / run_id(1) / "results.json"
    table = json.loads(path.read_text())
    table["results"][0]["reason"] = "https://me:secret@host/x?token=secret"
    path.write_text(json.dumps(table))
    token = "hf_" + "s" * 20
    (results / token).mkdir()
    (results / token / "plan.json").write_text("{")
    read = read_nights([results], CATALOG)
    assert read.nights[1].rows[0]["reason"] == "https://host/x"
    assert len(read.notes) == 1 and token not in read.notes[0]


def test_more_nights_than_anybody_has_are_refused(results, monkeypatch):
    monkeypatch.setattr(module, "MOST_NIGHTS", 2)
    with pytest.raises(UserError, match="at most 2 nights"):
        read_nights([results], CATALOG)
