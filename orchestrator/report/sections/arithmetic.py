"""How exactly each contender computed, as its jobs measured it, and the settings that decide how a library computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Table, Text
from orchestrator.report.inexact import error
from orchestrator.report.layout import Layout
from orchestrator.report.view import View
from orchestrator.results.own_figures import unpacked
from orchestrator.stats import exactness

TITLE = "Equal work: how exact, and with which settings"
COLUMNS = (
    Column("contender", heads=True),
    *(Column(title, number=True) for title in ("error of a product", "error of a convolution")),
    *map(Column, ("that is", "settings")),
)
#: Settings that are shown of a contender; the tables have all.
MOST = 12
HINT = (
    "Errors are relative to float64 on the host, the largest of all jobs, measured in each job after all it times: "
    "about 1e-7 is float32, 3e-4 is TF32, whose factors have 10 bits. The variant faithful promises float32; modern "
    "takes each library's default."
)


def build(view: View) -> Section | None:
    rows = list(_rows(view.layout))
    if not rows:
        return None
    blocks: list[Block] = [Table(COLUMNS, rows, caption="Arithmetic and settings of each contender")]
    blocks.append(Paragraphs([HINT, *_deterministic(view.rows)], "bullets"))
    return Section(name="arithmetic", title=TITLE, blocks=blocks)


def _rows(layout: Layout) -> Iterator[Sequence[Text]]:
    """One per contender that tells anything."""
    for column, contender in enumerate(layout.contenders):
        cells = [rows for (at, _), rows in layout.cells.items() if at == column]
        members = [row for rows in cells for row in rows if row["status"] == "ok"]
        settings = _settings(members)
        worst = exactness.worst(members)
        if worst is None and not settings:
            continue
        errors = [error(exactness.worst([{name: row.get(name)} for row in members])) for name in exactness.COLUMNS]
        kind = exactness.kind(worst) or words.ABSENT
        yield [contender.label, *errors, kind, settings]


def _settings(rows: Sequence[Row]) -> str:
    """`cudnn.benchmark: false; XLA_FLAGS: ...`, with every value that was seen."""
    seen: dict[str, dict[str, None]] = {}
    for row in rows:
        told = unpacked(row.get("computing"))
        for name, value in told.items() if isinstance(told, dict) else ():
            seen.setdefault(str(name), {})[str(value)] = None
    parts = [f"{name}: {' or '.join(values)}" for name, values in sorted(seen.items())]
    caches = sorted({str(row["cache"]) for row in rows if row.get("cache")})
    parts += [f"compile caches: {', '.join(caches)}"] if caches else []
    more = [f"and {len(parts) - MOST} more"] if len(parts) > MOST else []
    return "; ".join([*parts[:MOST], *more])


def _deterministic(rows: Sequence[Row]) -> list[str]:
    asked = sum(bool(row.get("deterministic")) for row in rows)
    if not asked:
        return []
    which = "All jobs" if asked == len(rows) else f"{asked} of {len(rows)} jobs"
    return [f"{which} asked for the same results each time (--deterministic); others stand in other rows."]
