"""Steps are found in the right night, in both directions, and where there is none, none is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.cli.verbs.validate import LEAST_NIGHTS as SAID
from orchestrator.stats.steps import LEAST_NIGHTS, judge, night_noise, odd_end


def series(seed, nights=36, noise=0.01):
    return np.random.default_rng(seed).normal(0.3, noise, nights)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [0.06, -0.06])
def test_a_planted_step_is_named_with_its_night_and_size(seed, size):
    values = series(seed)
    values[24:] += size
    ((step,),) = [judged.steps for judged in judge([values])]
    assert step.at == 24 and step.slower == (size > 0)
    assert step.low < math.exp(size) < step.high and (step.low > 1) == (size > 0)
    assert step.p_adjusted < 0.05


def test_without_a_step_one_is_found_in_few_families_of_five_series():
    families = [judge([series(10 * seed + i) for i in range(5)]) for seed in range(40)]
    assert sum(any(judged.steps for judged in family) for family in families) <= 5  # 2 of 40 are promised


def test_a_step_is_found_among_others_and_two_in_one_series():
    many = [series(seed) for seed in range(15)]
    many[7][20:] += 0.06
    found = judge(many)
    assert [i for i, judged in enumerate(found) if judged.steps] == [7]
    long = series(3, 90)
    long[30:60] += 0.05  # slower, and mended
    assert [(step.at, step.slower) for step in judge([long])[0].steps] == [(30, True), (60, False)]


def test_a_single_bad_night_is_no_step():
    values = series(1)
    values[20] += 0.2
    assert judge([values])[0].steps == []


def test_few_nights_are_not_judged_and_equal_ones_have_no_step():
    few, equal = judge([[0.1] * (LEAST_NIGHTS - 1), [0.1] * 20])
    assert few.steps is None and few.p is None
    assert equal.steps == [] and equal.p == 1.0
    assert judge([]) == [] and SAID == LEAST_NIGHTS


def test_more_series_ask_for_a_clearer_step():
    values = series(6, 14)
    values[10:] += 0.045
    rest = [series(seed, 14) for seed in range(100, 140)]
    assert judge([values])[0].steps and not judge([values, *rest])[0].steps


def test_a_slow_drift_is_not_taken_for_a_step_as_often_as_chance_would():
    """Neighbours that resemble each other: without the memory of the series two of three of these had a step."""
    false = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        values = [random.normal()]
        for _ in range(59):
            values.append(0.5 * values[-1] + math.sqrt(0.75) * random.normal())
        false += bool(judge([[0.01 * value for value in values]])[0].steps)
    assert false <= 8


def test_the_same_figures_give_the_same_answer():
    values = series(5)
    values[30:] += 0.02
    assert judge([values]) == judge([values])


def test_the_newest_night_alone_is_told_as_odd():
    values = list(series(2, 12))
    assert odd_end(values) is None
    assert odd_end([*values, 0.4]) == pytest.approx(math.exp(0.1), rel=0.02)
    assert odd_end(values[:5]) is None and odd_end([0.1] * 12) is None


def test_noise_between_nights_is_not_changed_by_a_step():
    values = series(4, 200)
    values[100:] += 1.0
    assert night_noise(values) == pytest.approx(0.01, rel=0.2)
    assert night_noise([0.1, 0.2]) is None
