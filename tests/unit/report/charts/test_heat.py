"""A heat map for many contenders: figures in the fields, stronger where slower."""

from __future__ import annotations

import pytest

from orchestrator.report.charts import heat
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def many(count: int):
    report = recorded(workloads=["mnist_mlp", "babi_rnn"], stacks=1, repeats=1)
    rows = []
    for i in range(count):
        for row in report.rows:
            rows.append({**row, "framework_version": f"1.{i}", "job_id": f"{row['job_id']}.{i}", "epoch_s": 1.0 + i})
    report.rows, report.epochs, report.samples = rows, [], []
    return material_of(report)


def test_every_field_has_its_figure_and_slower_ones_are_stronger():
    (drawn,) = drawings(heat.build(many(20)))
    inks = [float(e.get("fill-opacity", "")) for e in drawn.root.iter("rect")]
    assert len(inks) == 40 and inks == sorted(inks) and inks[0] == 0 and inks[-1] == pytest.approx(heat.MOST_INK)
    assert {"1.00", "20.0"} <= set(drawn.texts("c")) and "mnist_mlp" in drawn.texts("s")


def test_few_contenders_are_told_apart_elsewhere():
    assert heat.build(many(19)) is None
