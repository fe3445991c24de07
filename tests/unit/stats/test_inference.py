"""Intervals and tests against published tables, and error rates by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.stats import inference
from orchestrator.stats.inference import (
    difference,
    half_width,
    holm,
    interval,
    permutation,
    plain_interval,
    student_p,
    student_quantile,
)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)]
)
def test_students_t_is_that_of_the_tables(freedom, t):
    assert student_quantile(freedom) == pytest.approx(t, abs=6e-4)
    assert student_p(t, freedom) == pytest.approx(0.05, abs=1e-4)


def test_many_degrees_of_freedom_are_the_normal_distribution():
    assert student_p(1.96, 1e9) == pytest.approx(math.erfc(1.96 / math.sqrt(2)), abs=2e-3)
    assert student_p(0, 3) == 1


def test_welch_as_worked_out_by_hand():
    a, b = [[math.exp(x)] for x in (0.0, 0.02, 0.04)], [[math.exp(x)] for x in (0.10, 0.12, 0.17)]
    found = difference(a, b)
    assert found.ratio == pytest.approx(math.exp(0.11))
    # variances 0.0004 and 0.0013: error sqrt(0.0017 / 3), freedom (0.0017)^2 / ((0.0004^2 + 0.0013^2) / 2)
    error, freedom = math.sqrt(0.0017 / 3), 0.0017**2 * 2 / (0.0004**2 + 0.0013**2)
    assert found.high / found.ratio == pytest.approx(math.exp(student_quantile(freedom) * error), rel=1e-6)
    assert found.p == pytest.approx(student_p(0.11 / error, freedom))
    assert found.p < 0.05 and found.words == "takes 1.04 to 1.20 times as long"


def test_the_permutation_test_counts_every_deal():
    assert permutation([1.0, 2.0, 3.0], [10.0, 11.0, 12.0]) == (2 / 20, 2 / 20)  # three repeats can never reach 5 %
    assert permutation([1.0] * 4, [2.0] * 4) == (2 / 70, 2 / 70)
    assert permutation([1.0, 2.0], [1.0, 2.0])[0] == 1
    p, least = permutation(list(range(20)), list(range(100, 120)))
    assert p == least == 1 / (inference.MOST_DEALS + 1)


def test_holm_multiplies_by_what_is_left_and_never_falls():
    raw = [difference([[1.0]], [[2.0]])] + [
        inference.Difference(n_a=3, n_b=3, ratio=1.1, low=1.0, high=1.2, p=p) for p in (0.04, 0.01, 0.03)
    ]
    assert [d.p_adjusted for d in holm(raw)] == [None, pytest.approx(0.06), pytest.approx(0.03), pytest.approx(0.06)]
    assert [d.significant for d in holm(raw)] == [False, False, True, False]
    assert holm(raw)[1].words == "not certain: 3 repeats are too few"


def test_what_the_data_chose_is_corrected_for_all_it_could_have_chosen():
    raw = [inference.Difference(n_a=3, n_b=3, ratio=1.1, low=1.0, high=1.2, p=p) for p in (0.004, 0.0001, 0.5)]
    adjusted = [d.p_adjusted for d in holm(raw, family=15)]
    assert adjusted == [pytest.approx(0.004 * 14), pytest.approx(0.0001 * 15), 1.0]
    assert holm(raw, family=2) == holm(raw)  # no fewer than there are


def test_a_p_too_small_for_a_number_stays_the_smallest():
    raw = [inference.Difference(n_a=3, n_b=3, ratio=9.0, low=8.0, high=10.0, p=p) for p in (0.0, 0.02)]
    assert [d.p_adjusted for d in holm(raw)] == [0.0, 0.02]


def test_words():
    def said(low, high, p=0.001, n=5):
        return inference.Difference(n_a=n, n_b=n, ratio=1, low=low, high=high, p=p).words

    assert said(1.031, 1.069) == "takes 1.03 to 1.07 times as long"
    assert said(0.9, 0.95) == "takes 0.90 to 0.95 times as long"
    assert said(2.14, 2.51) == "takes 2.1 to 2.5 times as long"
    assert said(12.4, 15.3) == "takes 12 to 15 times as long"
    assert said(1.5001, 1.5002) == "takes 1.50 times as long"
    assert said(1.0004, 1.02) == "takes 1.0004 to 1.02 times as long", "a difference must not read as none"
    assert said(0.9, 1.1, 0.4) == "5 repeats cannot tell them apart"
    assert said(0.9, 1.1, 0.4, n=4) == "not certain: 4 repeats are too few"
    assert difference([[1.0, 1.1]], [[2.0], [2.1]]).words == "not certain: one repeat"


def test_intervals_are_corrected_as_p_is_so_that_none_contradicts_its_verdict():
    """Corrected p and a plain interval said: 1.16 to 1.37 times, and no significant difference."""
    random = np.random.default_rng(3)
    found = holm(
        [
            difference(*([[math.exp(x)] for x in random.normal(shift, 0.03, 3)] for shift in (0.0, effect)))
            for effect in np.linspace(0, 0.4, 25)
        ],
        family=105,
    )
    assert {d.significant for d in found} == {True, False}
    for each in found:
        assert each.significant == (each.low > 1 or each.high < 1)
    plain = difference([[1.0], [1.02], [0.98]], [[1.1], [1.13], [1.08]])
    (wider,) = holm([plain], family=105)
    assert wider.low < plain.low < plain.high < wider.high and not wider.significant
    assert wider.low <= 1 <= wider.high


def test_equal_repeats_are_not_infinitely_certain():
    found = difference([[1.0]] * 3, [[1.0005]] * 3)
    assert found.p > 0.05


def test_the_same_data_gives_the_same_interval_whatever_came_before():
    a, b = [[1.0, 1.1, 0.9], [1.2, 1.0]], [[1.3, 1.4], [1.2, 1.5, 1.4], [1.3]]
    first = difference(a, b)
    np.random.default_rng().random(100)
    difference(b, a)
    assert difference(a, b) == first
    assert first.boot_low < first.ratio < first.boot_high


def test_the_bootstrap_draws_repeats_first():
    repeats = [np.zeros(4), np.zeros(4), np.ones(4)]
    means = inference.bootstrap(repeats, draws=4000)
    assert set(np.round(means * 3).astype(int)) == {0, 1, 2, 3}  # epochs of one repeat always come together
    assert means.mean() == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("bad", [[], [[]], [[0.0]], [[-1.0]], [[math.nan]]])
def test_what_is_no_time_is_refused(bad):
    with pytest.raises(ValueError, match="every repeat"):
        difference(bad, [[1.0]])


def test_an_interval_as_worked_out_by_hand():
    """Logarithms 0, 0.02 and 0.04: their deviation is 0.02, Student's t with two degrees of freedom 4.303."""
    half = 4.303 * 0.02 / math.sqrt(3)
    repeats = [[math.exp(x)] for x in (0.0, 0.02, 0.04)]
    middle, low, high = interval(repeats)
    assert middle == pytest.approx(math.exp(0.02))
    assert (low, high) == (
        pytest.approx(math.exp(0.02 - half), rel=1e-5),
        pytest.approx(math.exp(0.02 + half), rel=1e-5),
    )
    assert half_width(repeats) == pytest.approx(math.exp(half) - 1, rel=1e-3)
    assert interval([[1.0], [1.0]]) is not None and interval([[1.0]]) is None


def test_the_interval_of_plain_values_as_worked_out_by_hand():
    half = 4.303 * 1 / math.sqrt(3)
    assert plain_interval([1.0, 2.0, 3.0]) == (
        2.0,
        pytest.approx(2 - half, abs=1e-3),
        pytest.approx(2 + half, abs=1e-3),
    )
    assert plain_interval([1.0, 1.0]) == (1.0, 1.0, 1.0) and plain_interval([1.0]) is None


def test_the_half_width_shrinks_with_repeats():
    few, many = [[1.0], [1.02], [0.98]], [[1.0], [1.02], [0.98]] * 4
    assert half_width([[1.0]]) is None
    assert 0 < half_width(many) < half_width(few) < 0.06
