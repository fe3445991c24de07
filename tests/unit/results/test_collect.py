"""Runs and sets as tables: what failed shows its log, what differs shows all its values, files hold the same rows."""

from __future__ import annotations

import csv
import json
import shutil
import sys

import duckdb
import msgspec
import pytest
from msgspec import structs

from orchestrator.errors import UserError
from orchestrator.model import Result
from orchestrator.results.collect import distinct, environment, merge_runs, merged_set, write_tables
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS
from orchestrator.results.folder import RunFolder
from tests.make import FINGERPRINT, make_job, make_plan, make_result


def recorded(tmp_path, *results):
    plan = make_plan(jobs=[result.job for result in results])
    folder = RunFolder.create(tmp_path, plan)
    for result in results:
        own = folder.begin(result.job, 1)
        (own / "log.txt").write_text(f"the log of {result.job.id}\n")
        folder.write_result(msgspec.structs.replace(result, run_id=plan.run_id))
    return folder


def test_a_run_becomes_rows_epochs_and_logs_of_what_failed(tmp_path):
    good, bad = make_result(make_job()), Result(run_id="r", job=make_job(repeat=2), status="failed", reason="no")
    folder = recorded(tmp_path, good, bad)
    merged = merge_runs([folder])
    assert [row["status"] for row in merged.rows] == ["ok", "failed"]
    assert [epoch["epoch"] for epoch in merged.epochs] == [1, 2, 3]
    run_id = folder.plan().run_id
    assert merged.logs == {f"{run_id}/{bad.job.id}": f"the log of {bad.job.id}"}
    assert (merged.run_ids, merged.gpu, len(merged.marks)) == ([run_id], [], 3)


@pytest.mark.parametrize("tear", [None, b"", b'{"x": 1, ', "gone"])
@pytest.mark.parametrize("torn_first", [False, True])
def test_a_run_beside_its_copy_gives_each_job_once_and_from_the_record_that_can_be_read(tmp_path, tear, torn_first):
    whole = recorded(tmp_path, make_result(make_job()), make_result(make_job(repeat=2)))
    shutil.copytree(whole.path, tmp_path / "copy")
    copy = RunFolder.open(tmp_path / "copy")
    path = copy.job_folder(make_job()) / "result.json"
    if tear == "gone":
        path.unlink()
    elif tear is not None:
        path.write_bytes(tear + (path.read_bytes()[1:] if tear else b""))
    merged = merge_runs([copy, whole] if torn_first else [whole, copy])
    assert sorted(row["job_id"] for row in merged.rows) == sorted([make_job().id, make_job(repeat=2).id])
    assert [row["status"] for row in merged.rows] == ["ok", "ok"]
    assert len(merged.epochs) == 6 and merged.run_ids == [whole.plan().run_id]
    assert merged.notes == ["2 records left out, as other folders hold the same jobs."]


def test_all_files_hold_the_same_rows(tmp_path):
    merged = merge_runs([recorded(tmp_path, make_result(make_job()))])
    write_tables(merged, tmp_path)
    (row,) = json.loads((tmp_path / "results.json").read_text())["results"]
    assert row == merged.rows[0]
    (line,) = csv.DictReader((tmp_path / "results.csv").open())
    assert list(line) == list(COLUMNS)
    assert float(line["epoch_s"]) == row["epoch_s"]
    assert next(csv.reader((tmp_path / "epochs.csv").open())) == list(EPOCH_COLUMNS)
    table = duckdb.sql(f"select * from '{tmp_path / 'results.parquet'}'")
    assert dict(zip(table.columns, map(str, table.types), strict=True)) == COLUMNS


def test_an_environment_shows_every_value_that_occurs_once():
    assert distinct([("a", 1), ("b", None), ("a", 2), ("a", 1), ("c", "")]) == [("a", "1; 2")]
    other = msgspec.structs.replace(FINGERPRINT, host="node1", cluster="big", gpu_name="K80")
    found = dict(environment([make_result(make_job()), make_result(make_job(), fingerprint=other)]))
    assert (found["host"], found["GPU"]) == ("h; node1, a node of big", "K80")
    assert environment([make_result(make_job(), fingerprint=None)]) == []
    own = msgspec.structs.replace(FINGERPRINT, packages_sha256="d" * 64)
    found = dict(environment([make_result(make_job(workload="my"), fingerprint=own), make_result(make_job())]))
    assert found["packages of my on keras2-theano (sha256)"] == "d" * 64
    assert not [what for what in found if what.startswith("packages of mnist_mlp")]


def test_what_was_not_confined_stands_in_the_environment():
    points = ["network: given up by the user (--weaken network)", "memory: not here"]
    weak = msgspec.structs.replace(FINGERPRINT, unconfined=points)
    found = dict(environment([make_result(make_job()), make_result(make_job(), fingerprint=weak)]))
    assert found["not confined"] == "; ".join(points)


def test_a_set_is_read_with_the_curves_of_its_samples(merged, tmp_path):
    tables = merged_set(merged[0])
    assert len(tables.rows) == 35
    assert {key for row in tables.samples for key in row} == {"run_id", "job_id", "t_s", "cpu_percent", "rss_mb"}
    assert (tables.logs, tables.gpu) == ({}, [])
    assert "merged set" in tables.notes[0]
    with pytest.raises(UserError, match="neither"):
        merged_set(tmp_path)


def test_a_run_that_goes_on_has_pending_rows_and_says_so(tmp_path):
    job, other = make_job(), make_job(repeat=2)
    running = RunFolder.create(tmp_path, make_plan(jobs=[job, other]))
    running.write_result(Result(run_id=running.path.name, job=job, status="ok"))
    with running.locked():
        merged = merge_runs([RunFolder.open(running.path)])
        own = merge_runs([running])
    assert [(row["status"], row["reason"]) for row in merged.rows][1] == (
        "pending",
        "no result on record yet: the run still goes on",
    )
    assert merged.notes == [f"Run {running.path.name} still goes on: 1 of 2 jobs are done, 0 running, 1 waiting."]
    assert [row["status"] for row in own.rows] == ["ok", "cancelled"] and own.notes == []
    assert [row["status"] for row in merge_runs([RunFolder.open(running.path)]).rows] == ["ok", "cancelled"]


def test_one_core_is_one_core():
    results = [make_result(make_job(), fingerprint=structs.replace(FINGERPRINT, cores=cores)) for cores in (1, 2)]
    assert dict(environment(results))["processor"] == "c, 1 core in use; c, 2 cores in use"


@pytest.mark.parametrize("kept", [True, False])
def test_without_duckdb_there_are_all_tables_but_parquet(tmp_path, monkeypatch, kept):
    folder = RunFolder.create(tmp_path / "runs", make_plan())
    if kept:
        (tmp_path / "results.parquet").write_bytes(b"of other rows")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    merged = write_tables(merge_runs([folder]), tmp_path)
    (note,) = merged.notes
    assert note == ("results.parquet is left out: duckdb is not installed (pip install 'keras-orchestrate[tables]').")
    tables = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert tables == {"results.json", "results.csv", "epochs.csv"}


def test_readings_of_gpus_that_cannot_be_read_cost_their_figures_only(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path, make_plan())
    folder.begin(make_job(), 1)
    folder.write_result(make_result(make_job()))

    def fails(self, result):
        raise MemoryError

    monkeypatch.setattr(RunFolder, "gpu_samples", fails)
    merged = merge_runs([folder])
    assert [row["status"] for row in merged.rows] == ["ok"]
    assert merged.notes == ["No figures of GPUs: their readings could not be read (MemoryError: )."]
