"""Values of which some were not measured: left out, never counted as 0."""

from __future__ import annotations

import math

import pytest

from orchestrator.stats import describe


@pytest.mark.parametrize("values", [[], [None], [math.nan, math.inf, None]])
def test_nothing_measured_gives_none(values):
    assert describe.finite(values).size == 0
    assert describe.median(values) is None


def test_missing_values_are_left_out_and_not_zero():
    assert describe.finite([None, 2.0, math.nan, 4]).tolist() == [2.0, 4.0]
    assert describe.median([None, 5]) == 5.0
    assert describe.median([1, None, 2, 9, -math.inf]) == 2.0


def test_a_rate_is_that_of_the_median_time():
    seconds = [4.0, 1.0, 2.0, 3.0]
    assert describe.rate([12 / each for each in seconds]) == pytest.approx(12 / describe.median(seconds))
    assert describe.rate([12.0, None, 4.0, 3.0]) == 4.0
    assert describe.rate([None, 0.0]) is None
