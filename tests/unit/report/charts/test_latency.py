"""The spread of calls: a bar for each repeat in its fastest way, on one axis; nothing of what is no time."""

from __future__ import annotations

import json
import shutil

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.report.charts import figures, latency
from orchestrator.report.drawing import material
from orchestrator.results.collect import merge_runs
from orchestrator.results.folder import RunFolder
from orchestrator.run.session import view_of
from tests.fakes.made_up import recorded
from tests.replay.record import CALLS
from tests.unit.report.charts.makers import drawings, material_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    shutil.unpack_archive(CALLS, folder)
    return RunFolder.open(next(folder.glob("2*")))


@pytest.fixture
def rows(folder):
    """The tables of the recorded run: JAX with many calls, the others with few, two repeats each."""
    return merge_runs([folder])


def made(merged):
    return material(view_of(merged, load_catalog(), "orchestrate run"))


def test_each_repeat_has_its_bar_and_the_fastest_come_first(rows):
    figure = latency.build(made(rows))
    (drawing,) = drawings(figure)
    assert drawing.texts("v") == ["JAX 0.10.2, compiled", "PyTorch 2.13.0+cpu, compiled", "TensorFlow 2.21.0, compiled"]
    assert drawing.texts("s", "e") == ["0.108 ms", "0.114 ms", "2.24 ms", "1.52 ms", "4.40 ms", "1.26 ms"]
    assert [drawing.count(look) for look in ("m", "l", "b", "o", "f")] == [6, 6, 6, 6, 2], "500 calls have a thin line"
    assert (
        drawing.tips("m")[0] == "JAX 0.10.2, repeat 1, compiled: median 0.108 ms, 95th 3.75 ms, 99th 7.01 ms; 841 calls"
    )
    assert figure.words == ["The fastest way of calling is compiled in all of them."]
    assert figure.alt == "Widest: the 95th percentile of JAX 0.10.2 on MNIST MLP is 34.9× its median."


def test_ways_are_named_where_they_differ(rows):
    for row in rows.rows:
        if row["backend"] == "torch" and row["repeat"] == 2:
            row["latency_way"] = "predict"
    figure = latency.build(made(rows))
    assert figure.words == [
        "Fastest ways of calling: JAX 0.10.2, compiled; PyTorch 2.13.0+cpu, compiled or predict; "
        "TensorFlow 2.21.0, compiled."
    ]
    assert "PyTorch 2.13.0+cpu, predict" in drawings(figure)[0].texts("v")


@pytest.mark.parametrize("spread", [None, [], ["x"] * 9, [1e400] * 9, [None] * 9, [-1.0] * 9, {"0": 1}])
def test_what_is_no_spread_is_not_drawn(rows, spread):
    for row in rows.rows:
        row["calls"] = json.dumps([{"way": row["latency_way"], "batch": 1, "spread_ms": spread}])
    assert latency.build(made(rows)) is None


def test_only_runs_that_time_calls_have_it_and_they_have_none_of_epochs(rows):
    assert [name for name, _, _ in figures(made(rows))] == ["latency", "memory"]
    assert "latency" not in [name for name, _, _ in figures(material_of(recorded(workloads=["mnist_mlp"], stacks=2)))]
