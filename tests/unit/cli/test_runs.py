"""The table of runs fits any terminal."""

from __future__ import annotations

from orchestrator.cli.runs import runs_text
from orchestrator.history.runs import Listed

RUNS = [
    Listed(name="20260301-020000-00abcd", created="2026-03-01T02:00:00+00:00", hosts=["a", "b"], devices=["x" * 60],
           scales=["quick"], planned=3, ended=3, ok=3, failed=0, state="done", command="orchestrate run"),
    Listed(name="broken", state="damaged", why="no \x1b[31m plan"),
]  # fmt: skip


def test_a_wide_terminal_has_one_line_for_each_run():
    head, _, first, second = runs_text(RUNS, 200).splitlines()
    assert head.startswith("  run ") and first.startswith("  20260301-020000-00abcd  2026-03-01 02:00  a and 1 other")
    assert "3 ok  orchestrate run" in first and "…" in first
    assert second.startswith("  broken") and "damaged: no [31m plan" in second


def test_a_narrow_one_is_not_overrun():
    assert max(map(len, runs_text(RUNS, 80).splitlines())) <= 80
