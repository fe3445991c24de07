"""The picture of a line: inside its frame, with gaps where nights are missing."""

from __future__ import annotations

import pytest

from orchestrator.history import chart as module
from orchestrator.history.chart import HEIGHT, WIDTH, chart, label
from orchestrator.history.lines import Gap, LineStep
from orchestrator.stats.inference import Difference
from tests.unit.history.test_lines import line, point


def nights(*seconds, **changes):
    return [
        point(
            run_id=f"r{i}",
            when=f"2026-03-{i + 1:02}T02:00:00",
            seconds=each,
            low=each * 0.99,
            high=each * 1.01,
            **changes,
        )
        for i, each in enumerate(seconds)
    ]


def shown(points, **changes):
    cell = {"workload": "w", "variant": "faithful", "stack": "s", "backend": "jax", "device": "cpu"}
    return chart(line(points=points, cell=cell, **changes), "date")


@pytest.mark.parametrize("seconds", [(1.0,), (1.0, 1.0), (1.0, 1.2, 0.9), (1e-6, 1e6), (1234.5, 1234.6)])
def test_everything_lies_inside_the_frame(seconds):
    found = shown(nights(*seconds))
    assert all(0 < dot.x < WIDTH and 0 < dot.y < HEIGHT for dot in found.dots)
    assert all(0 <= end <= HEIGHT for dot in found.dots for end in (dot.low, dot.high))


def test_slower_is_higher_and_a_missing_night_leaves_its_place():
    points = nights(1.0, 1.1, 1.0, 1.0)
    found = shown([points[0], points[1], points[3]])
    first, second, third = found.dots
    assert second.y < first.y and third.x - second.x == pytest.approx(2 * (second.x - first.x), abs=0.5)
    by_version = chart(line(points=[points[0], points[1], points[3]], cell={"backend": "x"}), "version")
    assert by_version.dots[2].x - by_version.dots[1].x == by_version.dots[1].x - by_version.dots[0].x


def test_a_step_lies_between_two_nights_and_each_piece_has_a_level():
    points = nights(1.0, 1.0, 1.1, 1.1)
    step = LineStep(before=points[1], first=points[2], nights_after=2, difference=Difference(n_a=2, n_b=2, ratio=1.1))
    found = shown(points, steps=[step])
    ((x, slower),) = found.steps
    assert found.dots[1].x < x < found.dots[2].x and slower and len(found.levels) == 2
    assert found.levels[0][2] > found.levels[1][2]


def test_a_gap_is_marked_in_its_place_and_one_repeat_has_no_bar():
    points = [point(run_id="a", when="2026-03-01T02:00:00", n=1), point(run_id="c", when="2026-03-03T02:00:00", n=1)]
    found = shown(points, gaps=[Gap(run_id="b", when="2026-03-02T02:00:00", why="failed: x", broken=True)])
    assert found.dots[0].low is None and found.dots[0].x < found.gaps[0][0] < found.dots[1].x
    assert "no interval" in label(points[0]) and module._seconds("no stamp") is None
