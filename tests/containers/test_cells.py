"""The article's three images, built for real, and all twenty cells in real containers."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter

import pytest

from orchestrator import __version__
from orchestrator.launchers.caches import cache_name
from orchestrator.launchers.job_user import plain
from orchestrator.model import image_name
from orchestrator.plan.catalog import workloads_sha256
from orchestrator.stacks.images.engine import inspect
from tests.cells import PARAMETERS, different_steps, reasons
from tests.conftest import ROOT

pytestmark = [pytest.mark.containers, pytest.mark.slow]


def test_twenty_of_twenty(cells):
    _, code, rows, stderr = cells
    assert reasons(rows) == {}, stderr[-3000:]
    assert code == 0
    assert Counter(row["backend"] for row in rows) == dict.fromkeys(["tensorflow", "cntk", "theano", "mxnet"], 5)


def test_every_cell_is_the_same_model(cells):
    assert {(row["workload"], row["parameters"]) for row in cells[2]} == set(PARAMETERS.items())


def test_versions_are_those_of_the_article(cells):
    versions = {(row["backend"], row["framework_version"], row["keras_version"]) for row in cells[2]}
    assert versions == {
        ("tensorflow", "1.3.0", "2.0.8"),
        ("cntk", "2.5.1", "2.0.8"),
        ("theano", "0.9.0", "2.0.8"),
        ("mxnet", "0.11.0", "1.2.2"),
    }


def test_every_cell_says_what_makes_it_comparable(cells):
    for row in cells[2]:
        assert row["image_digest"].startswith("sha256:")
        assert len(row["data_sha256"]) == len(row["workloads_sha256"]) == 64
        assert row["threads"] >= 1
        assert row["epoch_s"] > 0
        assert row["first_epoch_s"] > 0
        assert row["setup_s"] > 0
        assert row["rss_peak_mb"] > 10
        assert row["image_data_format"] == ("channels_first" if row["backend"] == "mxnet" else "channels_last")
    assert len({row["workloads_sha256"] for row in cells[2]}) == 1
    assert {row["cache"] for row in cells[2] if row["backend"] == "theano"} <= {"cold", "partly", "warm"}


def test_theano_multiplies_with_openblas(cells):
    """It looks for it by a program that it puts into /tmp, and goes on without, many times slower."""
    files = list(cells[0].glob("2*/jobs/*theano*/events.jsonl"))
    ready = [event for file in files for event in map(json.loads, file.open()) if event["event"] == "ready"]
    assert len(ready) == 5
    assert {"-lopenblas" in event["threads"]["framework"]["blas"] for event in ready} == {True}


@pytest.mark.parametrize(
    ("stack", "backend"),
    [
        ("keras2-tensorflow-cntk", "tensorflow"),
        ("keras2-tensorflow-cntk", "cntk"),
        ("keras2-theano", "theano"),
        ("keras1-mxnet", "mxnet"),
    ],
)
def test_equal_starts_and_batches_give_equal_losses(cells, engine, stack, backend):
    """Models, weights, optimizers and their settings are the same on every backend: only rounding differs."""
    name = image_name(stack, "cpu", __version__)
    volume = cache_name(stack, "theano", os.getuid(), inspect(engine, name).id, workloads_sha256(ROOT))
    binds = [f"{ROOT / 'tests' / 'equal_steps.py'}:/equal_steps.py:ro", f"{ROOT / 'workloads'}:/workloads:ro"]
    output = engine.containers.run(
        name,
        ["python", "-B", "/equal_steps.py", "/workloads"],
        environment={"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"},
        volumes=[*binds, *([f"{volume}:/cache/theano"] if backend == "theano" else [])],
        tmpfs={"/tmp": "mode=1777"},
        user=plain(os.getuid(), os.getgid()).words,
        network_mode="none",
        remove=True,
    )
    assert different_steps(output.decode()) == {}


def test_outputs_belong_to_the_caller_and_are_complete(cells):
    (folder,) = cells[0].glob("2*")
    names = {path.name for path in folder.iterdir()}
    tables = {"plan.json", "results.json", "results.csv", "results.parquet", "epochs.csv", "report.html", "report.md"}
    assert tables <= names
    assert {path.lstat().st_uid for path in folder.rglob("*")} == {os.getuid()}
    with (folder / "results.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 20


def test_no_container_is_left(cells, engine):
    (folder,) = cells[0].glob("2*")
    ours = {"label": f"keras-orchestrate.run={folder.name}"}
    assert engine.containers.list(all=True, filters=ours, ignore_removed=True) == []
