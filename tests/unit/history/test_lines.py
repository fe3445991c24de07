"""What lines and nights say of themselves in words."""

from __future__ import annotations

from orchestrator.history.lines import Line, LineStep, Point, short
from orchestrator.stats.inference import Difference
from orchestrator.stats.repeats import CELL


def point(**changes):
    return Point(
        **{"run_id": "20260301-020000-00abcd", "when": "2026-03-01T02:00:00", "n": 3, "seconds": 1.0, **changes}
    )


def line(**changes):
    cell = dict(zip(CELL, ("my", "own", "found", "jax", "cpu"), strict=True))
    return Line(
        **{"cell": cell, "conditions": {"threads": 2, "data_sha256": "ab" * 32}, "points": [point()], **changes}
    )


def test_a_night_is_named_with_its_keras():
    assert point().name == "20260301-020000-00abcd"
    assert point(keras="3.15.1").name.endswith("(Keras 3.15.1)")
    spec = "3.16.0 from keras @ git+https://host/keras@" + "1a" * 20
    assert point(keras=spec, commit="1a" * 20).name.endswith("(Keras 3.16.0, commit 1a1a1a1a1a1a)")
    assert point(keras="3.16.0 from ./keras").name.endswith("(Keras 3.16.0, ./keras)")


def test_a_line_is_named_by_its_cell_and_by_what_sets_it_apart():
    assert line().name == "my found jax cpu"
    assert line(apart=["threads", "data_sha256"]).name == "my found jax cpu threads=2 data_sha256=abababab"
    assert (short("x" * 40), short(None)) == ("x" * 40, "None")


def test_a_step_without_a_clear_interval_does_not_claim_one():
    step = LineStep(before=point(), first=point(), nights_after=2,
                    difference=Difference(n_a=9, n_b=2, ratio=1.02, low=0.99, high=1.05))  # fmt: skip
    assert step.size == "slower by about 2.0 %"


def test_few_nights_an_odd_one_and_earlier_steps_are_told():
    assert "1 night of the 8" in line().verdict and not line().is_judged
    assert line(steps=[], odd_end=1.08).verdict == (
        "no step; the newest night is 8.0 % slower than those before: one night is no step yet"
    )
    assert line(steps=[], ended="ended on 2026-03-01").verdict == "ended on 2026-03-01"
    step = LineStep(before=point(), first=point(), nights_after=2,
                    difference=Difference(n_a=9, n_b=2, ratio=0.9, low=0.88, high=0.92, p=0.01))  # fmt: skip
    assert "; 1 earlier step" in line(steps=[step, step]).verdict and "times as long from" in line(steps=[step]).verdict
