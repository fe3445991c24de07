"""From one era to the next: eras sort, years make a line, and gains are against the first."""

from __future__ import annotations

from orchestrator.report.charts import eras
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def made(*names: str):
    """One model on as many stacks, each of another era and twice as fast as the one before."""
    report = recorded(workloads=["mnist_mlp"], stacks=len(names), repeats=1)
    for i, (row, era) in enumerate(zip(report.rows, names, strict=True)):
        row |= {"released": f"{era}-03", "epoch_s": 8.0 / 2**i, "backend": "tensorflow", "framework_version": str(i)}
    return material_of(report)


def test_the_best_of_two_eras_and_tensorflow_are_dumbbells():
    figure = eras.build(made("2017", "2026"))
    best, common, *_ = drawings(figure)
    assert best.texts("h")[0] == "The best of each era" and common.texts("h")[0] == "TensorFlow"
    assert best.texts("s", "e") == ["2.00×"] and (best.count("o"), best.count("m")) == (1, 1)
    assert figure and figure.title == "From 2017 to 2026" and "2.00×" in figure.alt


def test_years_make_a_line_for_each_model_beside_the_dumbbells():
    best, _, by_year, _ = drawings(eras.build(made("2023", "2017", "2020")))
    tips = [tip.split(":")[0] for tip in (*best.tips("o"), *best.tips("m"))]
    assert tips == ["2017", "2020", "2023"]
    assert {"2017", "2020", "2023"} & set(by_year.texts("s", "c")) and by_year.count("l") == 1


def test_one_era_is_no_picture():
    assert eras.build(made("2026", "2026")) is None
