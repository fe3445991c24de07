"""Pictures of what an epoch costs: energy where it was counted, money where there is a price."""

from __future__ import annotations

from orchestrator.report.charts import costs
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_energy_is_told_per_epoch_and_per_thousand_samples_with_its_source():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1, device="gpu")
    for row, energy in zip(report.rows, (500.0, 1000.0), strict=True):
        row |= {"energy_j": energy, "epochs": 5, "train": 4000, "energy_source": "integrated"}
    (drawn,) = drawings(costs.build_energy(material_of(report)))
    assert drawn.texts("s", "e") == ["25.0 J/1,000", "50.0 J/1,000"]
    assert drawn.tips("m")[0].endswith("100 J (0.0278 Wh) per epoch, 25.0 J per 1,000 samples, from the power readings")


def test_without_energy_and_without_a_price_there_is_no_picture():
    material = material_of(recorded(workloads=["mnist_mlp"], repeats=1))
    assert costs.build_energy(material) is None and costs.build_money(material) is None


def test_money_is_told_per_epoch_per_thousand_samples_and_to_the_target():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    report.price = 3.6
    for row, seconds in zip(report.rows, (10.0, 20.0), strict=True):
        row |= {"epoch_s": seconds, "samples_per_s": 100.0, "learned": 0.1}
    figure = costs.build_money(material_of(report))
    (drawn,) = drawings(figure)
    assert drawn.texts("s", "e") == ["0.010", "0.020"]
    assert "0.010 per epoch, 0.010 per 1,000 samples, " in drawn.tips("m")[0]
    assert figure and figure.title == "Money per epoch at 3.6 per hour"
