"""What a gate makes of a trend: which lines regressed lately, and which could not be judged."""

from __future__ import annotations

from orchestrator.history.lines import Line, Trend

#: A step counts as fresh while so many nights of the line or fewer lie after it.
FRESH = 7


def judged(found: Trend) -> list[Line]:
    """The lines that reach the newest night of their host and were judged, whatever came of it."""
    return [line for line in found.lines if line.is_judged]


def unjudged(found: Trend) -> list[Line]:
    """The lines that should have been judged and could not be; what broke is none of them."""
    return [line for line in found.lines if line.goes_on and not line.is_judged and not line.broken]


def regressions(found: Trend, threshold: float, fresh: int = FRESH) -> list[Line]:
    """The lines that broke, or whose newest night lies after a fresh step to slower by more than `threshold`."""
    return [line for line in found.lines if line.goes_on and (line.broken or regressed(line, threshold, fresh))]


def regressed(line: Line, threshold: float, fresh: int = FRESH) -> bool:
    """Whether the last step of a judged line is one to slower by more than `threshold`, and fresh."""
    last = line.steps[-1] if line.steps and line.is_judged else None
    return last is not None and last.difference.ratio > 1 + threshold and last.nights_after <= fresh


def undecided(found: Trend, threshold: float) -> list[Line]:
    """The judged lines whose newest night is slower by more than `threshold`, and alone in it."""
    return [line for line in judged(found) if line.odd_end is not None and line.odd_end > 1 + threshold]


def passes(found: Trend, threshold: float, fresh: int = FRESH) -> bool:
    """Whether a gate is green: something was judged, all that should be, and nothing regressed."""
    return bool(judged(found)) and not unjudged(found) and not regressions(found, threshold, fresh)


def is_empty(found: Trend) -> bool:
    """Whether there is no figure at all."""
    return not any(line.points for line in found.lines)
