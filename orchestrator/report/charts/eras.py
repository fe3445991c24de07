"""From the first era to today: how many times as fast each model trains now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from orchestrator.report import style, words
from orchestrator.report.charts import curves, scales
from orchestrator.report.charts.curves import LEFT, Curve, Plot
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Look, Material
from orchestrator.report.charts.rows import Rows
from orchestrator.report.charts.scales import Scale

CAPTION = (
    "How many times as fast as in the first era each model trains, the best of every era against the best of the "
    "first, and TensorFlow against TensorFlow; right of 1× is faster than then."
)
#: The backend of which there is one in every era.
COMMON = "tensorflow"
BEST = "The best of each era"


class Step(Struct, frozen=True):
    """One row: seconds per epoch of each era, in order, and who had them."""

    name: str
    colour: str
    seconds: list[tuple[str, float, int]]

    @property
    def gains(self) -> list[float]:
        return [self.seconds[0][1] / seconds for _, seconds, _ in self.seconds]


def build(material: Material) -> Figure | None:
    found: dict[tuple[str, str], list[Step]] = {}
    for group in material.groups():
        if material.layout.tasks[group.line].unlike:
            continue
        ranked = [(c, s.seconds) for c, s in material.ranked(group) if not s.unlearned]
        common = [(c, s) for c, s in ranked if material.layout.contenders[c].backend == COMMON]
        machine = material.layout.machine_words(material.layout.contenders[group.columns[0]].machine)
        label = material.layout.tasks[group.line].label
        for what, colour, its in ((BEST, "b-other", ranked), (style.title(COMMON), style.name(COMMON), common)):
            best = _best_of_eras(material, its)
            if len(best) > 1:
                found.setdefault((machine, what), []).append(Step(label, colour, best))
    if not found:
        return None
    every = [gain for steps in found.values() for step in steps for gain in (*step.gains, 1.0)]
    panels = [_panel(material, ", ".join(filter(None, title)), steps, every) for title, steps in found.items()]
    for (machine, what), steps in found.items():
        panels.append(_by_year(f"{machine + ', ' if machine else ''}{what}, by year", steps))
    return Figure(_title(found), CAPTION, _alt(found), panels)


def _best_of_eras(material: Material, ranked: Sequence[tuple[int, float]]) -> list[tuple[str, float, int]]:
    best: dict[str, tuple[str, float, int]] = {}
    for column, seconds in ranked:
        era = material.layout.contenders[column].year
        if era and (era not in best or seconds < best[era][1]):
            best[era] = (era, seconds, column)
    return [best[era] for era in sorted(best)]


def _title(found: dict[tuple[str, str], list[Step]]) -> str:
    eras = sorted({era for steps in found.values() for step in steps for era, _, _ in step.seconds})
    return f"From {eras[0]} to {eras[-1]}"


def _alt(found: dict[tuple[str, str], list[Step]]) -> str:
    gains = [step.gains[-1] for (_, what), steps in found.items() for step in steps if what == BEST]
    if not gains:
        return "How TensorFlow became faster or slower."
    mean = math.exp(sum(map(math.log, gains)) / len(gains))
    return f"The best of the last era trains {words.ratio(mean)} as fast as the best of the first (geometric mean)."


def _panel(material: Material, title: str, steps: Sequence[Step], every: Sequence[float]) -> Panel:
    right = [words.ratio(step.gains[-1]) for step in steps]
    rows = Rows(title, [step.name for step in steps], right)
    scale = scales.logarithmic(every, rows.begin, rows.end)
    for y, step in zip(rows.y, steps, strict=True):
        with rows.canvas.group(step.colour):
            rows.canvas.line(scale(min(step.gains)), y, scale(max(step.gains)), y, "l")
            for i, (gain, (era, seconds, column)) in enumerate(zip(step.gains, step.seconds, strict=True)):
                last = i == len(step.seconds) - 1
                tip = f"{era}: {material.looks[column].label}, {words.seconds(seconds)} per epoch, {words.ratio(gain)}"
                shape = "circle" if i == 0 else "diamond" if last else "square"
                rows.canvas.mark(shape, scale(gain), y, "m" if last else "o", tip)
    eras = [era for era, _, _ in max(steps, key=lambda step: len(step.seconds)).seconds]
    axis = f"times as fast (○ {eras[0]}{', □ ' + ', '.join(eras[1:-1]) if len(eras) > 2 else ''}, ◆ {eras[-1]})"
    return rows.close(scale, axis, scales.times)


def _by_year(title: str, steps: Sequence[Step]) -> Panel:
    """The same over the years: a line for each model."""
    looks = [
        Look(step.name, "", step.colour, style.SHAPES[i % len(style.SHAPES)], style.DASHES[i % len(style.DASHES)])
        for i, step in enumerate(steps)
    ]
    found = []
    for look, step, name in zip(looks, steps, curves.names(looks), strict=True):
        points = [(float(era), gain) for (era, _, _), gain in zip(step.seconds, step.gains, strict=True)]
        tips = [f"{step.name}, {year:.0f}: {words.ratio(gain)}" for year, gain in points]
        found.append(Curve(look, name, points, tips))
    plot = Plot(title, "", found)
    years = [year for curve in found for year, _ in curve.points]
    y = scales.logarithmic([gain for curve in found for _, gain in curve.points], plot.bottom, plot.top)
    x = Scale(min(years), max(years), LEFT + 6, plot.right - 4)
    return plot.drawn(x, y, ("year", "times as fast (log scale)"), forms=("{:.0f}".format, scales.times), whole=True)
