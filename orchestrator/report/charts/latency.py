"""How the times of single calls are spread: a bar for each repeat, of the way of calling that is its fastest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.calls import fastest
from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Group, Material
from orchestrator.report.charts.rows import Rows
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas, width_of
from orchestrator.results.call_figures import SPREAD
from orchestrator.stats.repeats import is_time

CAPTION = (
    "The calls of each repeat in its fastest way, one sample or one token: the box holds the middle half, its gap is "
    "the median, the thick line reaches from the 5th to the 95th percentile, the thin one from the 1st to the 99th "
    "where 500 calls or more tell, and the dot is the slowest call."
)
#: Repeats of one contender that are drawn, and the widest figure at the right.
MOST_REPEATS = 5
WIDEST = "0.0735 ms"


class Spread(Struct, frozen=True):
    """The calls of one job: milliseconds by percentile; 1 and 99 are not there where few calls were timed."""

    column: int
    repeat: int
    way: str
    n: int
    at: dict[int, float]


def build(material: Material) -> Figure | None:
    found = [(group, spreads) for group in material.groups() if (spreads := _spreads(material, group))]
    if not found:
        return None
    panels = [_panel(material, group, spreads) for group, spreads in found]
    return Figure("How the times of calls are spread", CAPTION, _alt(material, found), panels, _words(material, found))


def _spreads(material: Material, group: Group) -> list[Spread]:
    """Those of the contenders of a task, the fastest first, in the order of their repeats."""
    found = []
    for column, _ in material.ranked(group):
        rows = sorted(material.good(column, group.line), key=lambda row: row.get("repeat") or 0)
        its = [spread for row in rows if (spread := _spread(column, row.get("repeat") or 1, fastest(row)))]
        found += its[:MOST_REPEATS]
    return found


def _spread(column: int, repeat: int, calls: dict[str, Any] | None) -> Spread | None:
    """None for what a set of an older version has not, or somebody wrote who is no job."""
    values = (calls or {}).get("spread_ms")
    if calls is None or not isinstance(values, list) or len(values) != len(SPREAD):
        return None
    pairs = zip(SPREAD, values, strict=True)
    at = {percent: float(value) for percent, value in pairs if isinstance(value, int | float) and is_time(value)}
    if {0, 5, 25, 50, 75, 95, 100} - at.keys():
        return None
    return Spread(column, repeat, str(calls["way"]), int(calls.get("n") or 0), at)


def _panel(material: Material, group: Group, spreads: Sequence[Spread]) -> Panel:
    labels = [f"{material.looks[spread.column].label}, {spread.way}" for spread in spreads]
    names = [name if name != before else "" for before, name in zip(["", *labels], labels, strict=False)]
    right = [f"{words.figure(spread.at[50])} ms" for spread in spreads]
    keys = [material.looks[spread.column].key for spread in spreads]
    rows = Rows(group.title, names, right, material.noise(group.line), room=width_of(WIDEST, 10), keys=keys)
    scale = scales.logarithmic([value for spread in spreads for value in spread.at.values()], rows.begin, rows.end)
    for y, spread in zip(rows.y, spreads, strict=True):
        look = material.looks[spread.column]
        with rows.canvas.group(look.colour, look.key):
            _draw(rows.canvas, scale, y, spread.at, _tip(look.label, spread))
    return rows.close(scale, "milliseconds of a call (log scale)")


def _draw(canvas: Canvas, scale: Scale, y: float, at: dict[int, float], tip: str) -> None:
    x = {percent: scale(value) for percent, value in at.items()}
    if 99 in x and 1 in x:
        canvas.line(x[1], y, x[99], y, "f")
    canvas.line(x[5], y, x[95], y, "l")
    canvas.box(x[25], y - 6, max(x[75] - x[25], 2.0), 12, "m", tip)
    canvas.line(x[50], y - 6, x[50], y + 6, "b")
    canvas.mark("circle", x[100], y, "o", f"slowest call: {words.figure(at[100])} ms", 2.5)


def _tip(label: str, spread: Spread) -> str:
    known = ((percent, name) for percent, name in ((50, "median"), (95, "95th"), (99, "99th")) if percent in spread.at)
    told = ", ".join(f"{name} {words.figure(spread.at[percent])} ms" for percent, name in known)
    return f"{label}, repeat {spread.repeat}, {spread.way}: {told}; {spread.n:,} calls"


def _words(material: Material, found: Sequence[tuple[Group, Sequence[Spread]]]) -> list[str]:
    """Which way is the fastest of each contender, where it is one for all tasks and repeats, and where it is not."""
    ways: dict[str, set[str]] = {}
    for _, spreads in found:
        for spread in spreads:
            ways.setdefault(material.looks[spread.column].label, set()).add(spread.way)
    alike = {way for each in ways.values() for way in each}
    if len(alike) == 1:
        return [f"The fastest way of calling is {alike.pop()} in all of them."]
    return [f"Fastest ways of calling: {'; '.join(f'{name}, {words_of(its)}' for name, its in ways.items())}."]


def words_of(ways: set[str]) -> str:
    return " or ".join(sorted(ways))


def _alt(material: Material, found: Sequence[tuple[Group, Sequence[Spread]]]) -> str:
    """Whose slowest twentieth is farthest from its median."""
    spreads = [(spread.at[95] / spread.at[50], spread, group) for group, its in found for spread in its]
    far, spread, group = max(spreads, key=lambda each: each[0])
    label = material.looks[spread.column].label
    return f"Widest: the 95th percentile of {label} on {group.title} is {words.ratio(far)} its median."
