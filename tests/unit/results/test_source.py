"""Rows of a run or a set, and queries that can read a set and nothing else."""

from __future__ import annotations

import shutil
import sys

import duckdb
import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.results import merged_set, named_files
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS
from orchestrator.results.folder import RunFolder
from orchestrator.results.source import TIMES, is_set, query, read_source, tables_of_set
from tests.make import FINGERPRINT, make_job, make_plan, make_result
from tests.replay.record import CALLS


def test_a_run_and_its_set_have_the_same_tables(merged, runs):
    run, whole = read_source(runs[0]), read_source(merged[0])
    assert [list(row) for row in run.rows] == [list(COLUMNS)] * len(run.rows)
    ids = {row["job_id"] for row in run.rows}
    same = [row for row in whole.rows if row["run_id"] == runs[0].name]
    assert {row["job_id"] for row in same} == ids
    times = {row["job_id"]: row["epoch_s"] for row in run.rows}
    assert {row["job_id"]: row["epoch_s"] for row in same} == times
    assert list(whole.epochs[0]) == list(EPOCH_COLUMNS)
    assert {key: whole.steady[key] for key in run.steady} == run.steady


def test_a_comparison_reads_of_epochs_only_their_times(merged):
    whole, some = read_source(merged[0]), read_source(merged[0], TIMES)
    assert some.rows == whole.rows
    assert some.steady == whole.steady
    assert some.epochs == [{name: epoch[name] for name in TIMES} for epoch in whole.epochs]


def test_columns_that_are_empty_throughout_are_there_and_not_fetched(merged, monkeypatch):
    fetched, asked = named_files.fetched, []
    monkeypatch.setattr(named_files, "fetched", lambda *given: asked.append(given[0].columns) or fetched(*given))
    rows = tables_of_set(merged[0]).rows
    empty = {name for name in COLUMNS if all(row[name] is None for row in rows)}
    assert "gpu_name" in empty
    assert not empty & set(asked[0]) and {*asked[0], *empty} == {*COLUMNS, "group"}


def test_what_is_neither_run_nor_set_is_said(runs, tmp_path):
    assert not is_set(runs[0])
    with pytest.raises(UserError, match="neither a run nor a merged set"):
        read_source(tmp_path)
    with pytest.raises(UserError, match="neither a run nor a merged set"):
        query(tmp_path, "select 1")


@pytest.mark.parametrize(
    "sql",
    ["drop view results", "copy results to 'x.csv'", "select 1; select 2", "attach 'x.db'", "set threads = 1",
     "select * from read_csv('/etc/passwd')", "select nonsense", "install httpfs"],
)  # fmt: skip
def test_a_query_only_reads_the_set(merged, sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        query(merged[0], sql)
    assert list(tmp_path.iterdir()) == []


def test_cells_never_average_over_groups(merged):
    names, rows = query(merged[0], "select * from cells")
    assert len(rows) == 35
    assert {"group", "n", "epoch_s"} <= set(names)


def test_cells_of_calls_have_their_times_and_an_older_set_has_none(merged, tmp_path):
    shutil.unpack_archive(CALLS, tmp_path)
    sql = "select backend, mode, n, round(latency_ms, 3), round(predicted_per_s), epoch_s from cells"
    assert merged_set.query(next(tmp_path.glob("2*")), sql)[1][0] == ("jax", "predict", 2, 0.111, 15140, None)
    assert {(row[1], row[3]) for row in query(merged[0], sql)[1]} == {("train", None)}
    old = shutil.copytree(merged[0], tmp_path / "old")
    select = f"select * exclude (axes, mode, latency_ms, tokens_per_s) from '{merged[0]}/results.parquet'"
    duckdb.sql(f"copy ({select}) to '{old}/results.parquet' (format parquet)")
    assert query(old, "select * from cells") == query(merged[0], "select * from cells")


def test_an_answer_that_would_fill_the_memory_is_refused(merged, monkeypatch):
    """A million equal texts are a few bytes in the file."""
    monkeypatch.setattr(named_files, "MOST_TEXT", 10_000)
    with pytest.raises(UserError, match="the answer has more than"):
        query(merged[0], "select repeat('a', 1000) from range(100)")
    assert query(merged[0], "select repeat('a', 1000) from range(9)")[1] == [("a" * 1000,)] * 9


def test_a_list_of_many_values_is_refused_before_it_is_read(merged, tmp_path):
    path = tmp_path / "set"
    shutil.copytree(merged[0], path)
    file = path / "results.parquet"
    select = f"select * replace (repeat([7], 3000000) as reason) from '{file}' limit 1"
    duckdb.sql(f"copy ({select}) to '{tmp_path}/x.parquet' (format parquet)")
    shutil.move(tmp_path / "x.parquet", file)
    for read in (read_source, lambda path: query(path, "select run_id from results")):
        with pytest.raises(UserError, match=r"has a column of 3,000,000 values in 1 rows"):
            read(path)


def test_a_run_is_read_without_duckdb_but_for_packed_figures_of_its_gpu(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path, make_plan())
    folder.begin(make_job(), 1)
    fingerprint = msgspec.structs.replace(FINGERPRINT, gpu_uuid="GPU-1")
    folder.write_result(make_result(make_job(), fingerprint=fingerprint))
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert read_source(folder.path).notes == []
    (folder.path / "gpu-1.parquet").write_bytes(b"packed")
    source = read_source(folder.path)
    assert [row["status"] for row in source.rows] == ["ok"]
    assert source.notes == ["No figures of GPUs: duckdb is not installed (pip install 'keras-orchestrate[tables]')."]
