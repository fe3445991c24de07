"""A gate is red on a fresh step to slower, on what broke, on what it could not judge, and on nothing."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.history.gate import is_empty, judged, passes, regressed, regressions, undecided, unjudged
from orchestrator.history.lines import LineStep, Trend
from orchestrator.stats.inference import Difference
from tests.unit.history.test_lines import line, point


def stepped(ratio, after, **changes):
    """A line of ten nights with a step before the last `after` of them; more than there are only for the gate."""
    size = Difference(n_a=20, n_b=after, ratio=ratio, low=ratio * 0.99, high=ratio * 1.01, p=0.001, p_adjusted=0.001)
    points = [point(run_id=f"r{i}", when=f"2026-03-{i + 1:02}T02:00:00") for i in range(10)]
    step = LineStep(before=points[-after - 1], first=points[-after], difference=size, nights_after=after)
    return line(points=points, steps=[step], **changes)


def of(*lines):
    return Trend(by="date", nights=30, lines=list(lines))


@pytest.mark.parametrize(
    ("ratio", "after", "red"), [(1.08, 3, True), (1.08, 7, True), (1.08, 8, False), (1.04, 3, False), (0.9, 3, False)]
)
def test_only_a_fresh_step_to_slower_by_more_is_red(ratio, after, red):
    found = of(line(steps=[]), stepped(ratio, after))
    assert passes(found, 0.05) is not red and bool(regressions(found, 0.05)) is red


def test_a_step_that_was_mended_is_green():
    slow, fast = stepped(1.08, 5).steps, stepped(0.92, 2).steps
    assert passes(of(line(steps=[*slow, *fast])), 0.05) and not regressed(stepped(1.08, 5, ended="ended"), 0.05)


def test_nothing_and_what_could_not_be_judged_is_red():
    assert not passes(of(), 0.05) and is_empty(of()) and is_empty(of(line(points=[])))
    few, ended = line(), line(steps=[], ended="ended on 2026-03-01")
    assert not passes(of(ended), 0.05) and unjudged(of(ended)) == []
    assert not passes(of(line(steps=[]), few), 0.05) and unjudged(of(few)) == [few]
    assert passes(of(line(steps=[]), ended), 0.05) and judged(of(ended)) == []


def test_what_broke_is_a_regression_and_what_was_not_run_is_not_judged():
    broken = line(steps=[], missing="BROKEN: failed", broken=True)
    skipped = msgspec.structs.replace(broken, broken=False, missing="not judged: unsupported")
    found = of(line(steps=[]), broken, skipped)
    assert regressions(found, 0.05) == [broken] and unjudged(found) == [skipped] and not passes(found, 0.05)


def test_one_odd_night_is_told_and_not_red():
    odd = line(steps=[], odd_end=1.08)
    assert undecided(of(odd), 0.05) == [odd] and undecided(of(odd), 0.1) == [] and passes(of(odd), 0.05)
