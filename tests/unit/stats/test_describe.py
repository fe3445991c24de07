from __future__ import annotations

import math

import pytest

from orchestrator.stats import describe


def test_summary_says_n_and_spread():
    summary = describe.summarize([4.0, 1.0, 3.0, 2.0])
    assert summary is not None
    assert (summary.n, summary.median, summary.mean) == (4, 2.5, 2.5)
    assert summary.sd == pytest.approx(1.2909944)
    assert (summary.q1, summary.q3, summary.iqr) == (1.75, 3.25, 1.5)
    assert (summary.minimum, summary.maximum) == (1.0, 4.0)


def test_one_value_has_no_deviation():
    summary = describe.summarize([7])
    assert summary is not None
    assert summary.sd is None
    assert summary.iqr == 0


@pytest.mark.parametrize("values", [[], [None], [math.nan, math.inf, None]])
def test_nothing_measured_gives_none(values):
    assert describe.summarize(values) is None
    assert describe.mean(values) is None
    assert describe.median(values) is None
    assert describe.percentile(values, 95) is None
    assert describe.time_weighted_mean(range(len(values)), values) is None


def test_missing_values_are_left_out_and_not_zero():
    assert describe.mean([None, 2.0, math.nan, 4.0]) == 3.0
    assert describe.median([None, 5]) == 5.0


def test_percentile_interpolates():
    assert describe.percentile([0, 10], 95) == pytest.approx(9.5)


def test_time_weighted_mean_is_not_fooled_by_bursts():
    # Ten readings within 0.1 s at 100, then 10 s at 0: nearly all of the time was idle.
    times = [i * 0.01 for i in range(11)] + [0.11, 10.11]
    values = [100.0] * 11 + [0.0, 0.0]
    assert describe.time_weighted_mean(times, values) == pytest.approx(1.04, abs=0.01)
    assert describe.mean(values) > 80


def test_time_weighted_mean_takes_any_order_and_skips_gaps():
    assert describe.time_weighted_mean([2, 0, 1], [4, 0, None]) == 2.0


def test_time_weighted_mean_of_one_moment_is_the_plain_mean():
    assert describe.time_weighted_mean([3, 3], [1, 2]) == 1.5
    assert describe.time_weighted_mean([3], [8]) == 8.0


def test_time_weighted_mean_needs_pairs():
    with pytest.raises(ValueError):
        describe.time_weighted_mean([1, 2], [1])
