"""Energy and money of one cell, worked out by hand."""

from __future__ import annotations

import pytest

from orchestrator.report.costs import energy, money

ROW = {
    "epochs": 4,
    "train": 500,
    "energy_j": 8000.0,
    "energy_source": "counter",
    "epoch_s": 36.0,
    "samples_per_s": 10.0,
}


def test_energy_of_an_epoch_and_of_a_thousand_samples():
    found = energy([ROW, {**ROW, "energy_j": 4000.0}, {**ROW, "energy_j": 12000.0}])
    assert found and (found.epoch, found.samples, found.source) == (2000.0, 4000.0, "as the card counted")
    assert energy([{**ROW, "energy_j": None}]) is None and energy([]) is None


def test_money_of_an_epoch_of_a_thousand_samples_and_to_the_target():
    found = money([{**ROW, "learned": 0.9, "reached_s": 72.0}], 100.0)
    assert found and (found.epoch, found.target) == (pytest.approx(1.0), pytest.approx(2.0))
    assert found.samples == pytest.approx(100 / 36)


def test_a_target_that_one_repeat_did_not_reach_has_no_price():
    reached = [{**ROW, "learned": 0.9, "reached_s": seconds} for seconds in (72.0, None)]
    found = money(reached, 1.0)
    assert found and found.target is None
    assert money([{**ROW, "epoch_s": None}], 1.0) is None
