"""How fast models learn: validation accuracy against the time since fit() was called."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.report import words
from orchestrator.report.charts import curves, scales
from orchestrator.report.charts.curves import LEFT, Curve, Level, Plot
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Group, Look, Material, Point, by
from orchestrator.report.charts.scales import Scale
from orchestrator.stats.describe import median

CAPTION = (
    "The line that is highest first learns fastest in time, compiling included; it begins at 0 seconds with the "
    "untrained model. Dashed: the accuracy that counts as learning; dotted: what guessing reaches."
)
#: In which one of ten guesses is right.
OF_TEN_CLASSES = frozenset({"mnist_mlp", "mnist_cnn", "mnist_rnn", "cifar10_cnn"})
#: What is drawn of a task: the first of these that its epochs have.
FIELDS = {
    "val_acc": "validation accuracy",
    "acc": "training accuracy",
    "val_loss": "validation loss",
    "loss": "training loss",
}


def build(material: Material) -> Figure | None:
    looks = material.looks
    shown = curves.names(looks)
    panels = [panel for group in material.groups() if (panel := _panel(material, group, looks, shown)) is not None]
    if not panels:
        return None
    if shown[0] != looks[0].label:
        panels.append(curves.key_panel(looks, shown))
    return Figure("Accuracy against time", CAPTION, _alt(material), panels)


def _panel(material: Material, group: Group, looks: Sequence[Look], shown: Sequence[str]) -> Panel | None:
    its = [
        p
        for p in material.epochs
        if p["line"] == group.line and p["column"] in group.columns and _finite(p, "elapsed_s")
    ]
    field = next((field for field in FIELDS if any(_finite(p, field) for p in its)), "")
    its = [point for point in its if field and _finite(point, field)]
    if not any(point["epoch"] > 1 for point in its):
        return None
    levels = _levels(material, group) if field == "val_acc" else {}
    origin = levels.get("guessing")
    found = [
        _curve(points, looks[column], shown[column], field, origin)
        for (column,), points in sorted(by(its, "column").items())
    ]
    note = "; ".join(filter(None, [_amount(material, group, field), material.noise(group.line)]))
    plot = Plot(group.title, note, found)
    x = Scale(0.0, max(point["elapsed_s"] for point in its), LEFT, plot.right - 4)
    y = _vertical([point[field] for point in its] + [*levels.values()], "acc" in field, plot)
    lines = [Level(value, f"{what} {value:.2f}", "t" if what == "learned" else "u") for what, value in levels.items()]
    form = "{:.2f}".format if "acc" in field else scales.tick
    return plot.drawn(x, y, ("seconds since fit()", FIELDS[field]), lines, (scales.tick, form))


def _amount(material: Material, group: Group, field: str) -> str:
    size = material.layout.tasks[group.line].conditions.get("validation")
    return f"{size:,} validation samples" if size and field.startswith("val") else ""


def _vertical(values: Sequence[float], accuracy: bool, plot: Plot) -> Scale:
    """0 to 1 for accuracies that use it, else around the values with room: never a single point."""
    low, high = min(values), max(values)
    room = max(0.08 * (high - low), 0.03)
    low, high = low - room, high + room
    if accuracy:
        low, high = max(0.0, low), min(1.0, high)
        low, high = (0.0, 1.0) if high - low > 0.6 else (low, high)
    return Scale(low, high, plot.bottom, plot.top)


def _levels(material: Material, group: Group) -> dict[str, float]:
    """Accuracies to hold the curves against: what counts as learning, and what guessing reaches."""
    rows = [row for column in group.columns for row in material.layout.cells[column, group.line]]
    wanted = max((row["learned"] for row in rows if row.get("learned") is not None), default=None)
    workload = material.layout.tasks[group.line].workload
    found = {"learned": wanted, "guessing": 0.1 if workload in OF_TEN_CLASSES else None}
    return {what: value for what, value in found.items() if value is not None}


def _finite(point: Point, field: str) -> bool:
    value = point.get(field)
    return value is not None and math.isfinite(value)


def _curve(points: Sequence[Point], look: Look, name: str, field: str, origin: float | None) -> Curve:
    middle = [
        (median(p["elapsed_s"] for p in its) or 0.0, median(p[field] for p in its) or 0.0)
        for _, its in sorted(by(points, "epoch").items())
    ]
    tips = [
        f"{look.label}, epoch {epoch}: {FIELDS[field]} {value:.3f} after {words.seconds(seconds)}"
        for (epoch,), (seconds, value) in zip(sorted(by(points, "epoch")), middle, strict=True)
    ]
    jobs = by(points, "job").values()
    repeats = [sorted((p["elapsed_s"], p[field]) for p in job) for job in jobs] if len(jobs) > 1 else []
    return Curve(look, name, middle, tips, repeats, origin=None if origin is None else (0.0, origin))


def _alt(material: Material) -> str:
    """Who got to the accuracy that counts as learning first, of each task that is judged."""
    found = []
    for group in material.groups():
        times = {}
        for column in group.columns:
            rows = material.good(column, group.line)
            reached = [row.get("reached_s") for row in rows if row.get("learned") is not None]
            if reached and all(value is not None for value in reached):
                times[column] = median(reached) or 0.0
        if times:
            first = min(times, key=lambda column: times[column])
            found.append(f"{material.looks[first].label} on {group.title} after {words.seconds(times[first])}")
    return f"First to learn: {'; '.join(found[:8])}." if found else "Accuracy of each contender over the time of fit()."
