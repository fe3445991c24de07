"""The picture over the years: a line for each backend, a panel for all models and one for each."""

from __future__ import annotations

from orchestrator.report.charts import years
from orchestrator.report.charts.figure import one_file
from tests.fakes.made_up import eras, recorded
from tests.unit.report.charts.makers import Drawing, drawings, material_of

OLD = ["keras2-tensorflow-cntk", "keras2-theano"]
LINE = [*OLD, "keras215-tf215", "tfkeras-tf221", "keras3-tensorflow"]


def made(*only: str, **fields):
    return material_of(eras(only=only, epochs=2, **fields))


def test_one_panel_for_all_models_in_two_widths_and_one_for_each_model():
    figure = years.build(made(*LINE, repeats=2))
    assert figure and figure.title == "How fast Keras trains, by year of release: 2017 to 2026"
    assert [panel.where for panel in figure.panels] == ["wide", "narrow", *[""] * 5]
    assert "TensorFlow 1.3.0" in figure.caption
    wide, narrow, *models = drawings(figure)
    assert wide.texts("h") == narrow.texts("h") == ["all models together (geometric mean)"]
    assert [each.texts("h") for each in models] == [
        ["babi_rnn"], ["cifar10_cnn"], ["mnist_cnn"], ["mnist_mlp"], ["mnist_rnn"]
    ]  # fmt: skip
    assert wide.count("l") == 1  # of CNTK and Theano there is one version each
    names = [text for text in wide.texts() if text.split()[0] in ("TensorFlow", "CNTK", "Theano")]
    assert sorted(names) == ["CNTK 2.5", "TensorFlow", "Theano 0.9"]  # what ended early is named where it did


def test_a_point_has_its_version_and_one_backend_version_under_two_keras_both():
    wide = drawings(years.build(made(*LINE, repeats=2)))[0]
    labels = wide.texts("n")
    assert {"1.3", "2.15"} <= set(labels)
    assert any(label in ("2.21, Keras 3.15", "2.21, tf_keras 2.21") for label in labels)
    tips = wide.tips("m")
    assert any(tip.startswith("Nov 2023: TensorFlow 2.15.1 under Keras 2.15.0: ") for tip in tips)


def test_a_model_that_was_not_run_makes_the_overall_point_hollow():
    report = eras(only=LINE, repeats=2, epochs=2)
    report.rows[:] = [r for r in report.rows if (r["stack"], r["workload"]) != ("keras215-tf215", "babi_rnn")]
    kept = {row["job_id"] for row in report.rows}
    report.epochs[:] = [epoch for epoch in report.epochs if epoch["job_id"] in kept]
    figure = years.build(material_of(report))
    assert figure and any("hollow point" in text for text in figure.words)
    (hollow,) = drawings(figure)[0].tips("o")
    assert "TensorFlow 2.15.1" in hollow and hollow.endswith("4 of 5 models")


def test_without_tensorflow_1_3_the_axis_is_seconds():
    figure = years.build(made("keras2-theano", "keras231-theano105", "keras3-jax", repeats=2))
    assert figure and "seconds that an epoch takes" in figure.caption
    assert "seconds per epoch (lower is faster)" in drawings(figure)[0].texts("s")


def test_hidden_contenders_can_be_hidden_here_as_well():
    material = made(*LINE, repeats=2)
    wide = drawings(years.build(material))[0]
    keys = {element.get("data-contender") for element in wide.root.iter("g")} - {None}
    assert {key for several in keys for key in several.split()} == {look.key for look in material.looks}


def test_fewer_than_three_years_are_no_picture():
    assert years.build(made(*OLD[1:], "keras3-jax", repeats=2)) is None
    assert years.build(material_of(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1))) is None


def test_a_file_of_its_own_has_the_wide_panel_above_the_others():
    figure = years.build(made(*LINE, repeats=2))
    assert figure
    text = one_file(figure)
    assert text.count("all models together") == 1
    places = [e.get("transform") for e in Drawing(text).root.iter("g") if e.get("transform")]
    assert len(places) == 6 and len(set(places)) == 6 and places[0].startswith("translate(14 ")


def test_the_only_model_of_a_run_has_the_wide_panel_and_its_sentence():
    report = eras(only=LINE, repeats=2, epochs=2)
    report.rows[:] = [row for row in report.rows if row["workload"] == "mnist_mlp"]
    report.epochs[:] = [epoch for epoch in report.epochs if epoch["workload"] == "mnist_mlp"]
    report.rows[0]["disturbed"] = "others on its cores"
    figure = years.build(material_of(report))
    assert figure and [panel.where for panel in figure.panels] == ["wide", "narrow"]
    assert figure.words[0].startswith("TensorFlow 2.21.0 under Keras 3.15.1 (2026) trains ")
    assert drawings(figure)[0].count("r") == 1 and "red ring" in figure.words[-1]
