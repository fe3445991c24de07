"""The promise, by simulation with fixed seeds: false verdicts at most 5 %, a planted slowdown found."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.selftest import Noise, noise_of, repeats_needed, simulate, split_halves

QUIET = Noise(between=0.01, within=0.01, epochs=3)


@pytest.mark.parametrize("repeats", [3, 5, 10])
@pytest.mark.parametrize("tails", [False, True])
def test_false_verdicts_are_as_rare_as_promised(repeats, tails):
    rates = simulate(QUIET, repeats, experiments=300, tails=tails)
    assert rates.false <= 0.05 + 3 * rates.error


def test_many_comparisons_share_one_error_rate():
    rates = simulate(QUIET, 4, comparisons=6, experiments=150)
    assert rates.false <= 0.05 + 3 * rates.error


def test_a_planted_slowdown_is_found_and_a_noisy_host_hides_it():
    assert simulate(QUIET, 5, experiments=200).found >= 0.9
    assert simulate(Noise(between=0.2, within=0.1), 5, experiments=200).found < 0.2


def test_no_slowdown_planted_is_no_slowdown_found():
    rates = simulate(QUIET, 5, slowdown=0.0, experiments=200)
    assert rates.found <= 0.06


def test_noise_is_recovered_from_cells():
    random = np.random.default_rng(1)
    cells = [np.exp(random.normal(0, 0.05, (20, 1)) + random.normal(0, 0.02, (20, 6))).tolist() for _ in range(5)]
    noise = noise_of(cells)
    assert noise.between == pytest.approx(0.05, rel=0.25)
    assert noise.within == pytest.approx(0.02, rel=0.15)
    assert (noise.epochs, noise.cells) == (6, 5)
    assert noise_of([[[1.0, 1.1]], [[1.0], [1.1]]]) is None


def test_real_repeats_are_split_into_two_names():
    random = np.random.default_rng(2)
    cells = [np.exp(random.normal(0, 0.01, (8, 3))).tolist(), [[1.0]] * 3]
    rates = split_halves(cells)
    assert (rates.repeats, rates.experiments) == (4, 70)
    assert rates.false <= 0.1
    assert rates.found > 0.9
    assert split_halves([[[1.0]] * 3]) is None


def test_the_number_of_repeats_that_is_needed():
    rates = [simulate(QUIET, n, experiments=100) for n in (2, 3, 5)]
    assert repeats_needed(rates) in (3, 5)
    assert repeats_needed([rates[0]]) is None
