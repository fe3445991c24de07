"""The rates of steps are simulated with the functions that judge real nights."""

from __future__ import annotations

import pytest

from orchestrator.stats import step_rates
from orchestrator.stats.step_rates import Planted, simulate_steps
from orchestrator.stats.validate import SHAPES


def test_false_steps_are_rare_and_clear_ones_are_found_in_the_right_night():
    plants = [Planted(size=0.05, after=5), Planted(size=-0.05, after=5), Planted(size=0.001, after=5)]
    rates = simulate_steps(0.01, 30, 3, plants, 60)
    assert rates.false <= 0.05 + 3 * rates.error
    assert min(rates.found[:2]) > 0.9 and min(rates.right[:2]) > 0.8 and rates.found[2] < 0.1
    assert rates == simulate_steps(0.01, 30, 3, plants, 60)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_spread_that_was_asked_for(shape):
    made = step_rates._nights(step_rates.np.random.default_rng(1), (200, 100), shape)
    assert made.std() == pytest.approx(1, rel=0.15)
    alike = float((made[:, 1:] * made[:, :-1]).mean() / made.var())
    assert alike == pytest.approx(0.5 if shape == "wandering" else 0.0, abs=0.05)
