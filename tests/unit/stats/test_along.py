"""The values of one setting against its first, worked out by hand, and what has no verdict."""

from __future__ import annotations

from typing import Any

from orchestrator.stats.along import NO_MEMORY, compare_along, known_axes
from orchestrator.stats.compare import CONDITIONS, judged, passes, regressions, unjudged


def rows(axes: str, *seconds: float, **changes: Any) -> list[dict[str, Any]]:
    cell = {"workload": "w", "variant": "faithful", "stack": "s", "backend": "b", "device": "cpu"}
    varied = {name: value for name, _, value in (word.partition("=") for word in axes.split()) if name in CONDITIONS}
    known = {**cell, **dict.fromkeys(CONDITIONS, 1), **varied, "status": "ok", "axes": axes, "axes_got": axes}
    return [{**known, "run_id": "r", "job_id": f"{axes}-{i}", "epoch_s": s, **changes} for i, s in enumerate(seconds)]


def test_each_value_is_set_against_the_first_by_size() -> None:
    found = compare_along(
        rows("batch_size=128", 2.0, 2.02, 1.98) + rows("batch_size=1024", 1.0, 1.01, 0.99)
        + rows("batch_size=32", 4.0, 4.04, 3.96), "batch_size", {}
    )  # fmt: skip
    assert [(r.cell["along"], round(r.ratio or 0, 6)) for r in found] == [
        ("batch_size=32 to 128", 0.5),
        ("batch_size=32 to 1024", 0.25),
    ]
    assert "axes" not in found[0].cell and found[0].name == "w s b cpu batch_size=32 to 128"
    assert {r.difference.family for r in found if r.difference} == {2} and len(judged(found)) == 2
    assert passes(found, 0.05) and not regressions(found, 0.05)


def test_the_others_of_a_grid_are_parts_of_the_cell_and_off_comes_before_on_and_auto() -> None:
    settings = [f"precision={p} jit={j}" for p in ("float32", "mixed_float16") for j in ("auto", "on", "off")]
    found = compare_along([r for axes in settings for r in rows(axes, 1.0)], "jit", {})
    assert [(r.cell["axes"], r.cell["along"]) for r in found] == [
        (f"precision={p}", f"jit=off to {j}") for p in ("float32", "mixed_float16") for j in ("auto", "on")
    ]
    assert known_axes(rows(settings[0], 1.0)) == ["precision", "jit"]


def test_a_slower_value_is_a_regression() -> None:
    found = compare_along(rows("threads=1", 1.0, 1.01, 0.99) + rows("threads=2", 2.0, 2.01, 1.99), "threads", {})
    assert [r.cell["along"] for r in regressions(found, 0.05)] == ["threads=1 to 2"]


def test_out_of_memory_is_a_finding_and_what_was_not_got_is_not_judged() -> None:
    full = rows("batch_size=64", 0.0, status="oom", epoch_s=None)
    (found,) = compare_along(rows("batch_size=32", 1.0, 1.1) + full, "batch_size", {})
    assert (found.verdict, found.broken, found.expected) == (NO_MEMORY, False, False) and not unjudged([found])
    other = rows("jit=on", 1.0, 1.1, axes_got="jit=off")
    (found,) = compare_along(rows("jit=off", 1.0, 1.1) + other, "jit", {})
    assert found.verdict == "asked jit=on, got off in the second" and unjudged([found]) == [found]


def test_other_conditions_and_other_amounts_are_never_divided() -> None:
    (found,) = compare_along(rows("jit=off", 1.0, 1.1) + rows("jit=on", 1.0, 1.1, epochs=9), "jit", {})
    assert found.verdict == "different epochs"
    for samples in (None, 0):  # how many is not known
        (found,) = compare_along(rows("n=1", 1.0, samples=8) + rows("n=2", 1.0, samples=samples), "n", {})
        assert found.verdict == "different samples per epoch" and found.ratio is None
    mixed = rows("n=2", 1.0, samples=8) + rows("n=2", 1.0, samples=16)
    assert compare_along(rows("n=1", 1.0, samples=8) + mixed, "n", {})[0].verdict == "different samples per epoch"


def test_other_numbers_of_samples_are_compared_per_sample() -> None:
    both = rows("n=1", 1.0, 1.01, 0.99, samples=8000) + rows("n=2", 4.0, 4.04, 3.96, samples=16000)
    (found,) = compare_along(both, "n", {})
    assert (found.a, found.b, found.ratio, found.samples) == (1.0, 2.0, 2.0, 8000)
    assert found.verdict.startswith("takes ") and found.verdict.endswith("; both times are of 8,000 samples")
    epochs = {("r", f"n=2-{i}"): [6.0, 6.1] for i in range(3)}  # those behind the rows count for the verdict
    (found,) = compare_along(both, "n", epochs)
    assert found.difference and 2.9 < found.difference.ratio < 3.2


def test_the_first_value_that_counts_is_what_others_are_set_against() -> None:
    """A value that failed, got something else or did not learn is no base; it is an entry like the others."""
    good = rows("n=2", 1.0, 1.1) + rows("n=3", 2.0, 2.1)
    for first in (
        rows("n=1", 1.0, status="failed", epoch_s=None, reason="x"),
        rows("n=1", 1.0, axes_got="n=2"),
        rows("n=1", 1.0, learned=0.9, val_accuracy=0.1),
        rows("n=1", 1.0, status="oom", epoch_s=None),
    ):
        found = compare_along(first + good, "n", {})
        assert [r.cell["along"] for r in found] == ["n=2 to 1", "n=2 to 3"]
        assert found[0].ratio is None and round(found[1].ratio or 0, 2) == 1.95
    (found_,) = compare_along(rows("n=1", 1.0, epoch_s=None) + rows("n=2", 1.0, epoch_s=None), "n", {})
    assert found_.cell["along"] == "n=1 to 2" and found_.why_not == "no steady time in the first"
