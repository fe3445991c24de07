"""The overall ratio of two contenders: as worked out by hand, and its error rate by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.stats.inference import LEVEL, difference, student_quantile
from orchestrator.stats.overall import overall_difference, repeats_needed


def repeats(*logarithms):
    return [[math.exp(x)] for x in logarithms]


def test_of_one_task_it_is_the_comparison_of_that_task():
    a, b = repeats(0.0, 0.02, 0.04), repeats(0.10, 0.12, 0.17)
    one, overall = difference(a, b), overall_difference([a], [b])
    for name in ("ratio", "p", "error", "freedom", "low", "high"):
        assert getattr(overall, name) == pytest.approx(getattr(one, name)), name


def test_two_tasks_as_worked_out_by_hand():
    a, b = [repeats(0.0, 0.02), repeats(1.0, 1.02)], [repeats(0.1, 0.12), repeats(0.9, 0.92)]
    found = overall_difference(a, b, family=10)
    assert found.ratio == pytest.approx(1.0)  # 0.1 slower on one, as much faster on the other
    # each mean has the variance 0.0002 / 2; of two tasks and two sides there are four, over 2 squared
    assert found.error == pytest.approx(math.sqrt(4 * 0.0001 / 4))
    assert found.freedom == pytest.approx(4)
    reach = student_quantile(4, LEVEL / 10) * found.error
    assert (found.low, found.high) == (pytest.approx(math.exp(-reach)), pytest.approx(math.exp(reach)))
    assert (found.p, found.p_adjusted) == (pytest.approx(1.0), 1.0)


def test_one_repeat_of_any_task_is_a_ratio_without_a_verdict():
    found = overall_difference([repeats(0.0, 0.1), repeats(0.0)], [repeats(0.2, 0.3), repeats(0.2)])
    assert found.ratio == pytest.approx(math.exp(0.2))
    assert (found.p, found.low, found.n_a) == (None, None, 1)
    with pytest.raises(ValueError, match="no task"):
        overall_difference([], [])


def test_equal_contenders_are_told_apart_in_few_of_many_reports():
    random = np.random.default_rng(7)
    false = 0
    for _ in range(400):
        spread = random.uniform(0.01, 0.2, size=3)
        a, b = ([repeats(*random.normal(0, s, size=3)) for s in spread] for _ in range(2))
        false += overall_difference(a, b).significant
    assert false / 400 < 0.08


def test_the_repeats_that_would_tell_shrink_with_the_distance():
    near, far = (overall_difference([repeats(0.0, 0.05)], [repeats(0.0 + d, 0.05 + d)]) for d in (0.05, 0.2))
    assert 2 <= repeats_needed(far, 50) < repeats_needed(near, 50)
    assert repeats_needed(near, 3) is None
    assert repeats_needed(overall_difference([repeats(0.0)], [repeats(1.0)]), 50) is None
