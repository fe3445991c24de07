"""Timelines of GPUs: which jobs are drawn, with what, and how epochs and throttling show."""

from __future__ import annotations

import json

from msgspec import structs

from orchestrator.report import charts, charts_gpu
from orchestrator.report.layout import lay_out
from tests.fakes.made_up import recorded


def made(repeats=1, epochs=3, power=100.0, stacks=2):
    """A layout, readings and marks of a made-up report."""
    report = recorded(workloads=["mnist_mlp"], stacks=stacks, repeats=repeats, device="gpu")
    layout = lay_out(report.rows)
    readings, marks = [], []
    for job, row in enumerate(report.rows):
        column, line = layout.places[job]
        owner = {"job": job, "repeat": row["repeat"], "column": column, "line": line}
        readings += [
            {"t_s": t / 5, "util": 50.0, "power_w": power, "mem_mb": 9.0, "throttled": t == 3, **owner}
            for t in range(20)
        ]
        marks += [{"epoch": e, "begin_s": float(e), "end_s": e + 1.0, **owner} for e in range(1, epochs + 1)]
    return layout, readings, marks


def only(found):
    ((name, (title, spec)),) = found.items()
    return name, title, spec


def data_with(spec, field):
    return [rows for rows in spec["datasets"].values() if field in rows[0]]


def test_each_job_has_a_pair_of_panels_with_its_epochs():
    name, title, spec = only(charts_gpu.timelines(*made()))
    assert (name, title) == ("gpu-mnist_mlp", "GPU over time: mnist_mlp")
    assert len(spec["concat"]) == 4
    marks = data_with(spec, "what")
    begins = [f"epoch {i} begins" for i in (1, 2, 3)]
    assert [mark["what"] for mark in marks[0]] == [*begins, "epoch 3 ends"]
    assert sum(rows[0]["what"] == "throttled" for rows in marks) == 2  # once per job, in its utilization
    assert charts.draw(spec)[0].startswith("<svg")


def test_utilization_has_the_whole_scale_and_power_begins_at_zero():
    spec = only(charts_gpu.timelines(*made(stacks=1)))[2]
    encodings = [layer["encoding"].get("y", {}) for panel in spec["concat"] for layer in panel["layer"]]
    scales = {y["field"]: y["scale"] for y in encodings if "field" in y}
    assert scales == {"util": {"domain": [0, 100]}, "power_w": {"zero": True}}


def test_memory_is_drawn_where_the_card_has_no_power_reading():
    spec = only(charts_gpu.timelines(*made(power=None)))[2]
    assert len(spec["concat"]) == 4
    assert data_with(spec, "mem_mb")
    assert "power, W" not in json.dumps(spec)


def test_of_many_jobs_the_first_repeats_are_drawn():
    spec = only(charts_gpu.timelines(*made(repeats=7, stacks=2)))[2]
    assert len(spec["concat"]) == 2 * 2
    assert json.dumps(spec).count("repeat 1") == 4


def test_of_many_epochs_some_are_marked():
    spec = only(charts_gpu.timelines(*made(epochs=200)))[2]
    marks = data_with(spec, "what")[0]
    assert len(marks) == 41
    assert marks[-1]["what"] == "epoch 200 ends"


def test_names_are_fit_for_files_and_unique():
    layout, readings, marks = made(stacks=1)
    evil = [structs.replace(layout.tasks[0], conditions={"workload": name}) for name in ("../x", "..|X")]
    layout = structs.replace(layout, tasks=evil)
    readings += [{**reading, "line": 1} for reading in readings]
    assert list(charts_gpu.timelines(layout, readings, marks)) == ["gpu--x", "gpu--x.1"]


def test_without_readings_there_is_no_chart():
    layout, _, marks = made()
    assert charts_gpu.timelines(layout, [], marks) == {}


def test_a_contender_that_shared_its_gpu_is_named_above_the_chart():
    layout, readings, marks = made()
    next(iter(layout.cells.values()))[0]["gpu_shared"] = True
    _, title, _ = only(charts_gpu.timelines(layout, readings, marks))
    assert title.startswith("GPU over time: mnist_mlp (disturbed: ")
