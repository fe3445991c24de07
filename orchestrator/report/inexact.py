"""Which cells of a report multiplied less exactly than their variant promises, in words."""

from __future__ import annotations

from orchestrator.report import words
from orchestrator.report.layout import Layout
from orchestrator.stats import exactness
from orchestrator.text import listed


def sentence(layout: Layout) -> str:
    """Which cells did not do the work that their variant promises, "" for none."""
    names = []
    for (column, line), members in layout.cells.items():
        hit = exactness.unequal(row for row in members if row["status"] == "ok")
        if hit:
            where = f"{layout.contenders[column].label} on {layout.tasks[line].label}"
            names.append(f"{where} (error {error(exactness.worst(hit))})")
    if not names:
        return ""
    return (
        f"Not equal work: {listed(names)} multiplied with fewer bits than the float32 that faithful promises, which is "
        "faster. They are marked."
    )


def error(value: float | None) -> str:
    """`3e-04`: one digit says what kind of arithmetic it was."""
    return f"{value:.0e}" if words.is_known(value) else words.ABSENT
