"""A recorded run of every stack, in containers and as processes, merged and reported again: no engine is needed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys

import duckdb
import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.results.columns import COLUMNS
from tests.cells import PARAMETERS
from tests.conftest import ROOT
from tests.replay.record import RECORDED


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The folder of the joint report, and the JSON document that was printed."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.unpack_archive(RECORDED, folder)
    runs = sorted(str(path) for path in folder.iterdir())
    argv = [sys.executable, "-m", "orchestrator", "report", *runs, "--to", str(folder / "together"), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(argv, capture_output=True, text=True, env=environment, check=True)
    return folder / "together", json.loads(answer.stdout)["results"]


def test_every_planned_job_is_a_row(reported):
    rows = reported[1]
    assert len(rows) == 35
    assert {row["status"] for row in rows} == {"ok"}
    assert {(row["workload"], row["parameters"]) for row in rows} == set(PARAMETERS.items())
    assert {row["launcher"] for row in rows} == {"docker", "process"}


def test_tables_say_the_same(reported):
    folder, rows = reported
    with (folder / "results.csv").open() as file:
        assert [row["job_id"] for row in csv.DictReader(file)] == [row["job_id"] for row in rows]
    table = duckdb.sql(f"select * from '{folder / 'results.parquet'}'")
    assert table.columns == list(COLUMNS)
    assert [row[1] for row in table.fetchall()] == [row["job_id"] for row in rows]
    types = dict(zip(table.columns, map(str, table.types), strict=True))
    assert types["epoch_s"] == "DOUBLE"
    assert types["gpu_util_mean"] == "DOUBLE"  # though every value is absent


def test_absent_figures_are_absent_not_zero(reported):
    assert {row["gpu_util_mean"] for row in reported[1]} == {None}
    used = [row["cpu_util_mean"] for row in reported[1]]
    assert used.count(None) == 5  # the engine gave no statistics for a while when this was recorded
    assert 0 not in used
    assert all(row["epoch_s"] > 0 for row in reported[1])


def test_the_report_shows_every_backend_and_every_workload(reported):
    folder, _ = reported
    html, markdown = (folder / "report.html").read_text(), (folder / "report.md").read_text().replace("\\_", "_")
    for text in (html, markdown):
        for word in ("TensorFlow", "CNTK", "Theano", "MXNet", "JAX", "PyTorch"):
            assert word in text
        assert all(workload.title in text for workload in load_catalog().workloads)
        assert "CNTK 2.5.1" in text
    assert "https://" not in html.split("</style>")[0]
    assert list((folder / "charts").glob("*.png"))


def test_the_epochs_have_the_usual_columns(reported):
    with (reported[0] / "epochs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"epoch", "elapsed", "loss", "acc", "val_loss", "val_acc"} <= set(rows[0])
    assert len(rows) == sum(row["epochs"] for row in reported[1])
