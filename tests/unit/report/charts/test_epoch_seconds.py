"""Who is fastest: dots, intervals and repeats on one axis, sorted by result."""

from __future__ import annotations

from orchestrator.report.charts import epoch_seconds
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_contenders_are_sorted_by_result_and_the_figures_say_seconds_and_repeats():
    material = material_of(recorded(workloads=["mnist_mlp"], repeats=3))
    (drawn,) = drawings(epoch_seconds.build(material))
    names = drawn.texts("e")[:14:2]  # each with its figure
    ranked = sorted(material.speeds.items(), key=lambda item: item[1].seconds)
    assert names == [material.looks[column].label for (column, _), _ in ranked]
    assert len([text for text in drawn.texts("s", "e") if text.endswith("s, n 3")]) == 7


def test_all_panels_have_one_axis():
    figure = epoch_seconds.build(material_of(recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=3)))
    axes = [
        [(e.get("x"), e.text) for e in drawn.root.iter("text") if (e.text or "").endswith("×")]
        for drawn in drawings(figure)
    ]
    assert axes[0] == axes[1] and any(text == "1×" for _, text in axes[0])


def test_repeats_have_an_interval_and_one_repeat_has_none():
    (three,) = drawings(epoch_seconds.build(material_of(recorded(workloads=["mnist_mlp"], repeats=3))))
    (one,) = drawings(epoch_seconds.build(material_of(recorded(workloads=["mnist_mlp"], repeats=1))))
    assert (three.count("l"), three.count("f")) == (7, 21) and (one.count("l"), one.count("f")) == (0, 0)
    assert "×" in three.tips("m")[0] and " s (" in three.tips("m")[0]


def test_a_mark_is_the_median_of_repeats_as_in_the_tables():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=3)
    material = material_of(report)
    (drawn,) = drawings(epoch_seconds.build(material))
    best = min(speed.seconds for speed in material.speeds.values())
    worst = max(speed.seconds for speed in material.speeds.values())
    assert f"{worst / best:.2f}×" in drawn.tips("m")[1]


def test_disturbed_cells_have_a_ring_and_unlearned_ones_are_hollow():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    report.rows[0] |= {"disturbed": "others on its cores", "learned": 0.99999}
    (drawn,) = drawings(epoch_seconds.build(material_of(report)))
    assert drawn.tips("r") == ["disturbed: others on its cores"] and drawn.count("o") == 1


def test_a_single_contender_and_unequal_models_are_no_picture():
    assert epoch_seconds.build(material_of(recorded(workloads=["mnist_mlp"], stacks=1))) is None
