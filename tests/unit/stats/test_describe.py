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
