"""Seconds against the number of the epoch: warm-up, drift, and epochs that were disturbed."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.report import words
from orchestrator.report.charts import curves, scales
from orchestrator.report.charts.curves import LEFT, Curve, Plot
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Group, Look, Material, Point, by
from orchestrator.report.charts.scales import Scale
from orchestrator.stats.describe import median
from orchestrator.stats.repeats import is_time

CAPTION = (
    "Training seconds of every epoch: a high start is compiling, a slope is drift, and a red ring is an epoch that "
    "was disturbed or in which the job slept. Thin lines are single repeats, thick ones their median."
)
#: Rings of one contender; more would hide the lines.
MOST_RINGS = 30


def build(material: Material) -> Figure | None:
    looks = material.looks
    shown = curves.names(looks)
    panels = [panel for group in material.groups() if (panel := _panel(material, group, looks, shown)) is not None]
    if not panels:
        return None
    if shown[0] != looks[0].label:
        panels.append(curves.key_panel(looks, shown))
    return Figure("Seconds of every epoch", CAPTION, _alt(material), panels)


def _panel(material: Material, group: Group, looks: Sequence[Look], shown: Sequence[str]) -> Panel | None:
    its = [p for p in material.epochs if p["line"] == group.line and p["column"] in group.columns and _usable(p)]
    if not any(point["epoch"] > 1 for point in its):
        return None
    found = [_curve(points, looks[column], shown[column]) for (column,), points in sorted(by(its, "column").items())]
    plot = Plot(group.title, material.noise(group.line), found)
    x = Scale(1.0, float(max(point["epoch"] for point in its)), LEFT + 6, plot.right - 4)
    y = scales.fitting([point["train_s"] for point in its], plot.bottom, plot.top)
    return plot.drawn(x, y, ("epoch", "seconds (log scale)" if y.log else "seconds"), whole=True)


def _usable(point: Point) -> bool:
    return point["status"] == "ok" and is_time(point.get("train_s"))


def _curve(points: Sequence[Point], look: Look, name: str) -> Curve:
    middle = [
        (float(epoch), median(p["train_s"] for p in its) or 0.0)
        for (epoch,), its in sorted(by(points, "epoch").items())
    ]
    tips = [f"{look.label}, epoch {epoch:.0f}: {words.seconds(seconds)}" for epoch, seconds in middle]
    jobs = by(points, "job").values()
    repeats = [sorted((float(p["epoch"]), p["train_s"]) for p in job) for job in jobs] if len(jobs) > 1 else []
    rings = [
        (float(p["epoch"]), p["train_s"], f"{look.label}, repeat {p['repeat']}, epoch {p['epoch']}: {why}")
        for p in points
        if (why := trouble(p))
    ]
    return Curve(look, name, middle, tips, repeats, rings[:MOST_RINGS])


def trouble(point: Point) -> str:
    """What was not as it should be in one epoch, "" for nothing."""
    found = [f"lacked {point['lost_percent']:.0f} %: {point['disturbed']}"] if point.get("disturbed") else []
    if point.get("slept"):
        found.append(f"slept {point['idle_percent']:.0f} %")
    found += [
        f"{word} {point[column]:.1f} s"
        for word, column in (("GPU throttled", "gpu_throttled_s"), ("strangers on its GPU", "gpu_shared_s"))
        if point.get(column)
    ]
    return "; ".join(found)


def _alt(material: Material) -> str:
    hit = sum(bool(trouble(point)) for point in material.epochs)
    firsts = []
    for (column,), points in by([p for p in material.epochs if _usable(p)], "column").items():
        first = median(p["train_s"] for p in points if p["epoch"] == 1)
        later = median(p["train_s"] for p in points if p["epoch"] > 1)
        if first and later:
            firsts.append((first / later, material.looks[column].label))
    if not firsts:
        return "Seconds of every epoch."
    ratio, label = max(firsts)
    return (
        f"{label} has the longest first epoch: {words.ratio(ratio)} a later one in the median. "
        f"{hit or 'No'} epoch{'' if hit == 1 else 's'} disturbed or slept."
    )
