"""From the first era to today: how many times as fast each model trains now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from orchestrator.report import words
from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Material
from orchestrator.report.charts.rows import Rows
from orchestrator.report.layout import era_order

CAPTION = (
    "How many times as fast as in the first era each model trains, the best of every era against the best of the "
    "first, and TensorFlow against TensorFlow; right of 1× is faster than then."
)
#: The backend of which there is one in every era.
COMMON = "tensorflow"


class Step(Struct, frozen=True):
    """One row: seconds per epoch of each era, in order, and who had them."""

    name: str
    colour: str
    seconds: list[tuple[str, float, int]]

    @property
    def gains(self) -> list[float]:
        return [self.seconds[0][1] / seconds for _, seconds, _ in self.seconds]


def build(material: Material) -> Figure | None:
    by_machine: dict[str, list[Step]] = {}
    for group in material.groups():
        if material.layout.tasks[group.line].unlike:
            continue
        ranked = [(c, s.seconds) for c, s in material.ranked(group) if not s.unlearned]
        common = [(c, s) for c, s in ranked if material.layout.contenders[c].backend == COMMON]
        machine = material.layout.machine_words(material.layout.contenders[group.columns[0]].machine)
        label = material.layout.tasks[group.line].label
        for name, colour, its in (
            (f"{label}, best", "b-other", ranked),
            (f"{label}, TensorFlow", "b-tensorflow", common),
        ):
            steps = _best_of_eras(material, its)
            if len(steps) > 1:
                by_machine.setdefault(machine, []).append(Step(name, colour, steps))
    if not by_machine:
        return None
    every = [gain for steps in by_machine.values() for step in steps for gain in (*step.gains, 1.0)]
    panels = [_panel(material, machine, steps, every) for machine, steps in by_machine.items()]
    return Figure(_title(by_machine), CAPTION, _alt(by_machine), panels)


def _best_of_eras(material: Material, ranked: Sequence[tuple[int, float]]) -> list[tuple[str, float, int]]:
    best: dict[str, tuple[str, float, int]] = {}
    for column, seconds in ranked:
        era = material.layout.contenders[column].era
        if era and (era not in best or seconds < best[era][1]):
            best[era] = (era, seconds, column)
    return [best[era] for era in sorted(best, key=era_order)]


def _title(found: dict[str, list[Step]]) -> str:
    eras = sorted({era for steps in found.values() for step in steps for era, _, _ in step.seconds}, key=era_order)
    return f"From {eras[0]} to {eras[-1]}"


def _alt(found: dict[str, list[Step]]) -> str:
    gains = [step.gains[-1] for steps in found.values() for step in steps if step.name.endswith("best")]
    if not gains:
        return "How TensorFlow became faster or slower."
    mean = math.exp(sum(map(math.log, gains)) / len(gains))
    return f"The best of the last era trains {words.ratio(mean)} as fast as the best of the first (geometric mean)."


def _panel(material: Material, machine: str, steps: Sequence[Step], every: Sequence[float]) -> Panel:
    right = [words.ratio(step.gains[-1]) for step in steps]
    rows = Rows(machine or "All models", [step.name for step in steps], right)
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
