from __future__ import annotations

import json

import pytest

from orchestrator.report import charts, style
from orchestrator.report.layout import Layout, lay_out
from tests.fakes.made_up import recorded

pytestmark = pytest.mark.slow


def placed(report) -> tuple[Layout, list[dict], list[dict]]:
    layout = lay_out(report.rows)
    places = {row["job_id"]: (i, row) for i, row in enumerate(report.rows)}

    def put(point):
        job, row = places[point["job_id"]]
        column, line = layout.places[job]
        owner = {"job": job, "repeat": row["repeat"], "status": row["status"], "column": column, "line": line}
        return {**point, **owner}

    return layout, [put(epoch) for epoch in report.epochs], [put(sample) for sample in report.samples]


def specs(report) -> dict[str, dict]:
    return {name: spec for name, (_, spec) in charts.charts(*placed(report)).items()}


def colours(spec) -> dict[str, str]:
    scale = spec["concat"][0]["layer"][0]["encoding"]["color"]["scale"]
    return dict(zip(scale["domain"], scale["range"], strict=True))


def test_one_bar_chart_and_two_charts_per_workload():
    names = list(specs(recorded(workloads=["mnist_mlp", "babi_rnn"])))
    assert names == [
        "epoch-seconds",
        "convergence-babi_rnn",
        "convergence-mnist_mlp",
        "host-babi_rnn",
        "host-mnist_mlp",
    ]


def test_a_backend_keeps_its_colour_and_versions_differ_in_dashes():
    found = specs(recorded(workloads=["mnist_mlp"]))
    assert colours(found["epoch-seconds"]) == colours(found["convergence-mnist_mlp"])
    shown = colours(found["convergence-mnist_mlp"])
    assert shown["TensorFlow 1.3.0"] == shown["TensorFlow 2.21.0"] == style.colour("tensorflow")
    assert len(set(shown.values())) == 6
    dash = found["convergence-mnist_mlp"]["concat"][0]["layer"][0]["encoding"]["strokeDash"]["scale"]
    looks = dict(zip(dash["domain"], dash["range"], strict=True))
    assert looks["TensorFlow 1.3.0"] != looks["TensorFlow 2.21.0"]


def test_styles_do_not_depend_on_who_is_present_in_a_view():
    report = recorded(workloads=["babi_rnn", "mnist_mlp"], repeats=1)
    report.epochs[:] = [e for e in report.epochs if (e["workload"], e["backend"]) != ("babi_rnn", "cntk")]
    views = specs(report)["epoch-seconds"]["concat"]
    scales = [view["layer"][0]["encoding"]["color"]["scale"] for view in views]
    assert scales[0] == scales[1]


def test_bars_leave_the_first_epoch_and_failed_jobs_out():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=2)
    report.rows[0]["status"] = "failed"
    spec = specs(report)["epoch-seconds"]
    medians, points = spec["datasets"].values()
    assert sorted(point["n"] for point in medians) == [4, 8]
    assert {point["epoch"] for point in points} == {2, 3, 4, 5}


def test_a_bar_is_the_median_of_the_repeats_as_in_the_table_not_of_all_epochs():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=3)
    times = {1: [9, 5, 5, 5, 5], 2: [9, 1, 1, 6, 6], 3: [9, 6, 1, 6, 1]}
    for epoch in report.epochs:
        epoch["train_s"] = times[epoch["repeat"]][epoch["epoch"] - 1]
    medians, _ = specs(report)["epoch-seconds"]["datasets"].values()
    assert {point["seconds"] for point in medians} == {3.5}


def test_single_repeats_are_drawn_once_and_several_have_a_median():
    def layers(repeats):
        report = recorded(workloads=["mnist_mlp"], repeats=repeats)
        return len(specs(report)["convergence-mnist_mlp"]["concat"][0]["layer"])

    assert (layers(1), layers(3)) == (2, 3)


@pytest.mark.parametrize(("epochs", "named"), [(2, [1, 2]), (25, [3, 6, 9, 12, 15, 18, 21, 24])])
def test_the_axis_names_whole_epochs(epochs, named):
    spec = specs(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, epochs=epochs))["convergence-mnist_mlp"]
    assert spec["concat"][0]["layer"][0]["encoding"]["x"]["axis"]["values"] == named


def test_axes_of_time_begin_at_zero():
    """Compiling, and whatever else comes before the end of the first epoch, must not be cut off."""
    found = specs(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1))
    axes = [found["host-mnist_mlp"]["concat"][0]["encoding"]["x"]]
    axes += [view["layer"][0]["encoding"]["x"] for view in found["convergence-mnist_mlp"]["concat"][1::2]]
    assert [axis["field"] for axis in axes] == ["t_s", "elapsed_s", "elapsed_s"]
    assert all(axis["scale"]["domain"][0] == 0 < axis["scale"]["domain"][1] for axis in axes)


def domains(spec) -> list[list[float]]:
    """The domain of each quantitative axis of a specification that has one written down."""
    found = []
    for view in spec["concat"]:
        for layer in view.get("layer", [view]):
            scales = (layer["encoding"][side].get("scale", {}) for side in ("x", "y") if side in layer["encoding"])
            found += [scale["domain"] for scale in scales if "domain" in scale]
    return found


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1234.5])
def test_no_axis_is_a_single_point_where_all_values_are_equal(value):
    """Its only tick would be written as 0."""
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    for epoch in report.epochs:
        epoch.update(val_acc=min(value, 1.0), val_loss=value, train_s=value)
    for sample in report.samples:
        sample.update(cpu_percent=value, rss_mb=value)
    found = specs(report)
    for spec in found.values():
        assert all(low < high for low, high in domains(spec))
    accuracy = found["convergence-mnist_mlp"]["concat"][0]["layer"][0]["encoding"]["y"]
    low, high = accuracy["scale"]["domain"]
    assert 0 <= low <= min(value, 1.0) <= high <= 1 and high - low >= 0.02
    assert accuracy["axis"]["format"] == ".2~f"
    bars = found["epoch-seconds"]["concat"][0]["layer"][0]["encoding"]["x"]["scale"]
    assert bars == ({"domain": [0, 1]} if value == 0 else {"zero": True})


def test_what_counts_as_learning_and_what_guessing_reaches_are_drawn_where_they_are_in_sight():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    for row in report.rows:
        row["learned"] = 0.88
    for i, epoch in enumerate(report.epochs):
        epoch["val_acc"] = 0.1 + 0.8 * (i % 5) / 4
    data = specs(report)["convergence-mnist_mlp"]["datasets"].values()
    levels = [points for points in data if "what" in points[0]]
    assert levels == [[{"val_acc": 0.88, "what": "counts as learning"}, {"val_acc": 0.1, "what": "guessing"}]] * 2
    for epoch in report.epochs:
        epoch["val_acc"] = 0.5
    assert not any("what" in points[0] for points in specs(report)["convergence-mnist_mlp"]["datasets"].values())


def test_readings_are_thinned_and_gaps_stay_gaps():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    job = report.rows[0]["job_id"]
    report.samples[:] = [{"job_id": job, "t_s": i / 10, "cpu_percent": None, "rss_mb": float(i)} for i in range(2000)]
    spec = specs(report)["host-mnist_mlp"]
    assert len(spec["concat"]) == 1  # no processor readings, no processor chart
    (points,) = spec["datasets"].values()
    assert len(points) == charts.MOST_POINTS
    assert points[0]["rss_mb"] == pytest.approx(6.5)  # the mean of its 14 neighbours


def test_two_readings_make_a_curve_and_one_makes_none():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    job = report.rows[0]["job_id"]
    report.samples[:] = [{"job_id": job, "t_s": float(i), "cpu_percent": 50.0, "rss_mb": 1.0} for i in range(2)]
    assert "host-mnist_mlp" in specs(report)
    del report.samples[1]
    assert "host-mnist_mlp" not in specs(report)


def test_what_cannot_be_drawn_is_left_out():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, epochs=1)
    report.samples.clear()
    assert specs(report) == {}


def test_values_that_are_not_finite_become_null():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.epochs[1]["val_loss"] = float("nan")
    spec = specs(report)["convergence-mnist_mlp"]
    json.dumps(spec, allow_nan=False)


def test_file_names_are_safe_and_unique():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for row, name in zip(report.rows, ("../../Etc", "..-..-etc"), strict=True):
        row["workload"] = name
    names = list(specs(report))
    assert len(names) == len(set(names)) == 5
    assert not any("/" in name or ".." in name for name in names)


def test_pictures_are_drawn_from_the_specification():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    _, spec = charts.charts(*placed(report))["epoch-seconds"]
    svg, png = charts.draw(spec)
    assert svg.startswith("<svg") and "CNTK 2.5.1" in svg
    assert png.startswith(b"\x89PNG")


def test_the_script_fits_the_specifications_and_can_be_inlined():
    script = charts.javascript()
    assert "vegaEmbed" in script
    assert "</script" not in script and "<!--" not in script and "\r" not in script


def test_tooltips_have_the_figures_of_the_tables_not_all_digits_of_a_clock():
    found = [*specs(recorded(workloads=["mnist_mlp"], stacks=1, repeats=2)).values()]
    layers = [layer for spec in found for view in spec["concat"] for layer in view.get("layer", [view])]
    tooltips = [tip for layer in layers for tip in layer["encoding"].get("tooltip", [])]
    assert {tip["field"] for tip in tooltips} >= {"seconds", "elapsed_s", "t_s", "val_acc", "cpu_percent"}
    assert all("format" in tip for tip in tooltips if tip["type"] == "quantitative")


def test_disturbed_epochs_are_red_ticks_and_the_charts_of_their_task_name_the_contender():
    report = recorded(workloads=["mnist_mlp", "babi_rnn"], stacks=2, repeats=1)
    row = next(row for row in report.rows if row["workload"] == "mnist_mlp")
    row["disturbed"] = "others on its cores"
    epoch = next(e for e in report.epochs if e["job_id"] == row["job_id"] and e["epoch"] == 3)
    epoch |= {"disturbed": "others on its cores", "lost_percent": 48.0}
    found = charts.charts(*placed(report))
    titles = [title for title, _ in found.values()]
    assert [title for title in titles if "disturbed: TensorFlow 1.3.0" in title and "mnist_mlp" in title] == titles[
        2:3
    ] + titles[4:5]
    bars = found["epoch-seconds"][1]
    (layered,) = [view for view in bars["concat"] if len(view["layer"]) == 3]
    red = layered["layer"][2]
    assert red["mark"]["color"] == charts.DISTURBED
    assert [point["noise"] for point in bars["datasets"][red["data"]["name"]]] == ["lacked 48 %: others on its cores"]
