"""Where the time of a job goes, and from which epoch on a slow start pays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from orchestrator.model import Row
from orchestrator.report import style, words
from orchestrator.report.charts import scales
from orchestrator.report.charts.figure import WIDTH, Figure, Panel, finished
from orchestrator.report.charts.material import Group, Material
from orchestrator.report.charts.rows import Rows
from orchestrator.report.charts.svg import Canvas, width_of
from orchestrator.stats.describe import median

CAPTION = (
    "The whole time of a job from launch to exit, median over repeats, shortest first: a long part before the violet "
    "one is paid once, the violet one grows with every epoch."
)
#: Phase -> the column of its seconds; what is left of the whole is `exit`.
COLUMNS = {
    "start": "start_s",
    "import": "import_s",
    "data": "data_s",
    "build": "build_s",
    "first": "first_epoch_s",
    "steady": "steady_s",
    "validation": "validated_s",
}
#: Sentences on pairs; further ones say little more.
MOST_PAIRS = 10
#: Who is less than this behind is not worth a sentence.
LEAST_S = 1.0
#: An epoch that nobody would wait for.
NEVER = 100_000


def build(material: Material) -> Figure | None:
    panels: list[Panel] = []
    for group in material.groups():
        found = [(column, parts) for column in group.columns if (parts := _parts(material.good(column, group.line)))]
        if found:
            panels.append(_panel(material, group, sorted(found, key=lambda each: sum(each[1].values()))))
    if not panels:
        return None
    pays = _break_even(material)
    alt = pays[0] if pays else "No contender with a slower start overtakes another one."
    return Figure("Where the time of a job goes", CAPTION, alt, [*panels, _key()], pays)


def _parts(rows: Sequence[Row]) -> dict[str, float]:
    """Median seconds of each phase; empty where the rows do not know them."""
    wall = median(row.get("wall_s") for row in rows)
    parts = {phase: median(row.get(column) for row in rows) for phase, column in COLUMNS.items()}
    known = {phase: value for phase, value in parts.items() if value is not None and value > 0}
    if wall is None or len(known) < 3:
        return {}
    rest = wall - sum(known.values())
    return {**known, "exit": rest} if rest > 0 else known


def _panel(material: Material, group: Group, found: Sequence[tuple[int, dict[str, float]]]) -> Panel:
    wholes = [sum(parts.values()) for _, parts in found]
    labels = [material.looks[column].label for column, _ in found]
    keys = [material.looks[column].key for column, _ in found]
    right = [words.seconds(whole) for whole in wholes]
    rows = Rows(group.title, labels, right, material.noise(group.line), keys=keys)
    scale = scales.from_zero(wholes, rows.begin, rows.end)
    for y, (column, parts) in zip(rows.y, found, strict=True):
        at = 0.0
        for phase, (letter, title, _) in style.PHASES.items():
            seconds = parts.get(phase, 0.0)
            begin, end = scale(at), scale(at + seconds)
            at += seconds
            if not seconds:
                continue
            with rows.canvas.group(f"p-{phase}", material.looks[column].key):
                tip = f"{material.looks[column].label}: {title} {words.seconds(seconds)}"
                rows.canvas.box(begin, y - 7, max(0.5, end - begin - 0.6), 14, "m", tip)
                if end - begin >= 9:
                    rows.canvas.text((begin + end) / 2, y + 3.5, letter, "w")
    return rows.close(scale, "seconds since the job was launched")


def _key() -> Panel:
    canvas = Canvas(WIDTH, 24 + 16 * len(style.PHASES))
    canvas.text(0, 11, "Phases", "h")
    for i, (phase, (letter, title, _)) in enumerate(style.PHASES.items()):
        y = 20 + 16 * i
        with canvas.group(f"p-{phase}"):
            canvas.box(0, y, 16, 13, "m")
        canvas.text(8, y + 10, letter, "w")
        canvas.text(24, y + 10.5, title)
    assert all(width_of(title) < WIDTH - 24 for _, title, _ in style.PHASES.values())
    return finished(canvas)


def _break_even(material: Material) -> list[str]:
    """For pairs of which the one with the faster epochs starts later: from which epoch on it is ahead.

    Those that are furthest behind come first.
    """
    found = []
    for group in material.groups():
        costs = {column: cost for column in group.columns if (cost := _cost(material.good(column, group.line)))}
        for fast, slow in itertools.permutations(costs, 2):
            epoch = overtakes(costs[fast], costs[slow])
            behind = costs[fast][0] - costs[slow][0]
            if epoch is not None and behind >= LEAST_S:
                late = f"{material.looks[fast].label} is {words.seconds(behind)} behind {material.looks[slow].label}"
                found.append(
                    (-behind, f"{group.title}: {late} after the first epoch, and ahead from epoch {epoch:,} on.")
                )
    return [text for _, text in sorted(found)[:MOST_PAIRS]]


def _cost(rows: Sequence[Row]) -> tuple[float, float] | None:
    """(seconds from launch to the end of the first epoch, seconds of each epoch after it, with its validation)."""
    setup, first, steady = (median(row.get(name) for row in rows) for name in ("setup_s", "first_epoch_s", "epoch_s"))
    if setup is None or first is None or not steady:
        return None
    return setup + first, steady + (median(row.get("validation_s") for row in rows) or 0.0)


def overtakes(fast: tuple[float, float], slow: tuple[float, float]) -> int | None:
    """The first epoch at whose end the late starter is ahead; None where it never is behind, or never ahead."""
    behind, gain = fast[0] - slow[0], slow[1] - fast[1]
    if behind <= 0 or gain <= 0:
        return None
    epoch = math.floor(behind / gain) + 2
    return epoch if epoch <= NEVER else None
