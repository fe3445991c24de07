"""A folder may be called anything: its name is never a pattern, a column or an address."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.results import collect, gpu_readings, merged_set, named_files
from orchestrator.results.export import write_parquet
from orchestrator.results.source import query, read_source
from tests.unit.results.conftest import made
from tests.unit.results.test_gpu_readings import SAMPLES, spool

#: Patterns, a column of a partition, quotes, the home folder, an address, a template.
NAMES = ["run[1]", "run?", "run*", "it's", "workload=x", "~x", "s3:x", "{run}", "[bold]"]


@pytest.fixture(params=NAMES)
def named(request, tmp_path, monkeypatch):
    """A folder of such a name, relative, beside one that its name as a pattern would stand for."""
    monkeypatch.chdir(tmp_path)
    return Path(request.param)


def test_a_set_in_a_folder_of_any_name_is_that_set_and_no_other(named, runs):
    merged_set.merge_sources([runs[0]], Path("run1/set"))
    merged_set.merge_sources([runs[1]], named / "set")
    assert {row["run_id"] for row in read_source(named / "set").rows} == {runs[1].name}
    found = collect.merged_set(named / "set")
    assert {row["run_id"] for row in (*found.rows, *found.epochs, *found.samples)} == {runs[1].name}
    for table in ("results", "epochs", "samples", "cells"):
        assert query(named / "set", f"select count(*) from {table}")[1][0][0] > 0
    assert "x" not in {row["workload"] for row in found.rows}
    shutil.rmtree("run1")
    assert collect.merged_set(named / "set") == found
    _, rows = made([named / "set"], named / "again")
    assert {row["run_id"] for row in rows} == {runs[1].name}
    assert (named / "again/samples/00000.parquet").stat().st_size > 1000


def test_readings_of_a_gpu_in_a_folder_of_any_name(named):
    named.mkdir()
    spool(named)
    mine = [sample for sample in SAMPLES if sample.uuid == "a"]
    assert gpu_readings.read(named, "a", 0, 9) == mine
    gpu_readings.to_parquet(named)
    assert gpu_readings.read(named, "a", 0, 9) == mine


def test_a_query_reads_no_file_that_the_name_as_a_pattern_would_stand_for(tmp_path, runs):
    merged_set.merge_sources([runs[0]], tmp_path / "run1")
    merged_set.merge_sources([runs[1]], tmp_path / "run[1]")
    with pytest.raises(UserError, match="disabled"):
        query(tmp_path / "run[1]", f"select * from '{tmp_path}/run1/results.parquet'")


def test_a_table_that_is_gone_is_said_in_one_line(tmp_path, runs):
    merged_set.merge_sources([runs[0]], tmp_path)
    (tmp_path / "results.parquet").unlink()
    shutil.rmtree(tmp_path / "samples")
    for read in (read_source, collect.merged_set):
        with pytest.raises(UserError, match="damaged: its table results is not there"):
            read(tmp_path)


def test_what_is_opened_is_the_one_file(named):
    named.mkdir()
    write_parquet([{"a": 7}], {"a": "BIGINT"}, named / "t.parquet")
    with named_files.opened([named / "t.parquet"]) as names, named_files.connect() as database:
        assert named_files.read_parquet(database, names).fetchall() == [(7,)]
    assert named_files.quoted("it's") == "'it''s'"
