"""What counts as a finding of a sweep, and what as a failure."""

from __future__ import annotations

from typing import Any

from orchestrator.cli.output import exit_code
from orchestrator.stats.repeats import by_cell, named_cell
from orchestrator.stats.sweeps import axes_of, in_order, judged, misfits, of_rows, otherwise


def row(axes: str, status: str = "ok", **changes: Any) -> dict[str, Any]:
    known = {"workload": "w", "variant": "own", "stack": "s", "backend": "b", "device": "cpu"}
    return {**known, "axes": axes, "status": status, **changes}


def test_a_batch_that_does_not_fit_where_a_smaller_one_does_is_no_failure_of_the_run() -> None:
    rows = [row("batch_size=32"), row("batch_size=1024", "oom"), row("", "unsupported")]
    assert misfits(of_rows(rows)) == [False, True, False]
    assert exit_code(judged(of_rows(rows))) == 0
    assert exit_code(judged(of_rows([*rows, row("batch_size=64", "failed")]))) == 1


def test_where_nothing_fits_or_nothing_is_varied_a_run_has_failed() -> None:
    assert exit_code(judged(of_rows([row("batch_size=1024", "oom")]))) == 1
    assert exit_code(judged(of_rows([row("", "ok", backend="a"), row("", "oom")]))) == 1
    assert exit_code(judged(of_rows([row("batch_size=32", "ok", backend="a"), row("batch_size=64", "oom")]))) == 1
    two = [row("batch_size=32 width=1"), row("batch_size=64 width=2", "oom")]  # neither of them was it for sure
    assert exit_code(judged(of_rows(two))) == 1


def test_rows_of_older_versions_are_cells_without_axes() -> None:
    old = {name: value for name, value in row("").items() if name != "axes"}
    (cell,) = by_cell([row(""), old])
    assert cell == ("w", "own", "s", "b", "cpu")
    assert list(by_cell([row("jit=on")])) == [(*cell, "jit=on")]
    assert named_cell((*cell, "predict", "jit=on"))["axes"] == "jit=on"
    assert len(by_cell([row(""), row("jit=on"), row("jit=off")])) == 3
    assert axes_of("batch_size=32 width=0.5") == {"batch_size": "32", "width": "0.5"}
    assert axes_of(None) == {}


def test_a_job_that_did_not_get_what_it_asked_for_is_told_so():
    def row(asked, got):
        return {"axes": asked, "axes_got": got}

    assert otherwise(row("batch_size=32 jit=on", "batch_size=32 jit=off")) == "asked jit=on, got off"
    same = [("jit=on", "jit=on"), ("jit=auto", "jit=off"), ("threads=2", None), ("rate=1.0", "rate=1"), (None, None)]
    assert [otherwise(row(*each)) for each in same] == [""] * 5


def test_values_are_in_the_order_of_their_size_where_all_are_numbers():
    assert in_order(["128", "32", "1e3"]) == ["32", "128", "1e3"]
    assert in_order(["on", "auto", "off"]) == ["off", "auto", "on"]


def test_values_stand_by_size_and_words_behind_what_leaves_a_thing_out() -> None:
    assert in_order(["16", "13", "-4", "0.5", "1e-3"]) == ["-4", "1e-3", "0.5", "13", "16"]
    assert in_order(["nan", "2", "b"]) == ["2", "b", "nan"]
