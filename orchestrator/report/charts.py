"""Charts as Vega-Lite specifications (Altair), drawn without a browser or a network (vl-convert).

Each specification is used twice: the page makes an interactive chart of it, and a PNG and an SVG file show it
beside the report.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import vl_convert
from msgspec import Struct

from orchestrator.report import disturbed
from orchestrator.report.layout import Layout
from orchestrator.report.style import DASHES, SHAPES, colour
from orchestrator.stats.describe import median

Spec = dict[str, Any]
#: The values of one specification, by the names that its views use.
DataSets = dict[str, list[Spec]]
#: One measured moment: the fields of an epoch or a sample, with the `column` and `line` of its job.
Point = Mapping[str, Any]
WIDTH, HEIGHT = 330, 190
#: The longest name beside a bar, in pixels.
LABEL_LIMIT = 260
LEVEL_COLOUR = "#8a8f98"
#: In which one of ten guesses is right.
OF_TEN_CLASSES = frozenset({"mnist_mlp", "mnist_cnn", "mnist_rnn", "cifar10_cnn"})
#: Readings drawn per job; more cannot be seen and make the report heavy.
MOST_POINTS = 150
#: The ticks of epochs that were disturbed, or in which the job slept.
DISTURBED = "#d62728"
_VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


class Style(Struct, frozen=True):
    """How one contender looks in the charts."""

    label: str
    colour: str
    shape: str
    dash: list[int]


def charts(layout: Layout, epochs: Sequence[Point], samples: Sequence[Point]) -> dict[str, tuple[str, Spec]]:
    """{name: (title, specification)}; a chart without anything to show is left out.

    `epochs` and `samples` are those of a View. Names are fit for files and unique.
    """
    found: list[tuple[str, str, Spec]] = []
    steady = [point for point in epochs if point["epoch"] > 1 and point["status"] == "ok"]
    if steady:
        found.append(("epoch-seconds", "Seconds per epoch", epoch_seconds(layout, steady)))
    for line, task in enumerate(layout.tasks):
        its_epochs = [point for point in epochs if point["line"] == line]
        if any(point["epoch"] > 1 for point in its_epochs):  # one epoch makes no curve
            title = f"Convergence: {task.label}{noise(layout, line)}"
            found.append(
                (f"convergence-{task.workload}", title, convergence(layout, its_epochs, _levels(layout, line)))
            )
    for line, task in enumerate(layout.tasks):
        its_samples = [point for point in samples if point["line"] == line]
        if len(its_samples) > 1:
            title = f"Host use over time: {task.label}{noise(layout, line)}"
            found.append((f"host-{task.workload}", title, host_use(layout, its_samples)))
    names = _file_names(name for name, _, _ in found)
    return {name: (title, spec) for name, (_, title, spec) in zip(names, found, strict=True)}


def noise(layout: Layout, line: int) -> str:
    """` (disturbed: JAX)`, ` (not the same model)` behind the title of a chart of this task, "" for nothing."""
    unlike = layout.tasks[line].unlike
    text = "; ".join(filter(None, [unlike.what if unlike else "", disturbed.labels(layout, line)]))
    return f" ({text})" if text else ""


def file_name(name: str) -> str:
    """`name` without anything that means something in a path."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())


def _file_names(names: Iterable[str]) -> list[str]:
    """Names for files in the same order; those that become equal are numbered."""
    safe = [file_name(name) for name in names]
    seen: Counter[str] = Counter()
    for i, name in enumerate(safe):
        seen[name] += 1
        safe[i] = f"{name}.{seen[name]}" if seen[name] > 1 else name
    return safe


def epoch_seconds(layout: Layout, steady: Sequence[Point]) -> Spec:
    """A bar to the median of each contender, and a tick for every steady epoch."""
    views: list[alt.LayerChart | alt.Chart] = []
    data: DataSets = {}
    # All views share one colour scale, so each has to be given all of it.
    styled = _styled(layout, [_point(layout, point) for point in steady])
    for line, task in enumerate(layout.tasks):
        points = [
            {**_point(layout, point, seconds=point["train_s"]), "noise": _epoch_noise(point)}
            for point in steady
            if point["line"] == line
        ]
        if points:
            title = f"{task.label} ({task.unlike.what})" if task.unlike else task.label
            views.append(_bars(data, title, points, styled))
    return side_by_side(views, data)


def _epoch_noise(point: Point) -> str:
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


def _median_of_jobs(points: Sequence[Spec]) -> float | None:
    """The median over jobs of each job's median, as in the matrix: a job with many epochs counts as one with few."""
    return median(median(p["seconds"] for p in job) for job in _grouped(points, "job").values())


def _bars(data: DataSets, title: str, points: Sequence[Spec], styled: Sequence[Style]) -> alt.LayerChart:
    medians = [
        {**group[0], "seconds": _median_of_jobs(group), "n": len(group)}
        for group in _grouped(points, "contender").values()
    ]
    y = alt.Y("contender:N", sort=[style.label for style in styled], title=None)
    x = alt.X("seconds:Q", title="training seconds per epoch", scale=from_zero(p["seconds"] for p in points))
    bars = chart_of(data, medians).mark_bar(fillOpacity=0.8, height={"band": 0.7})
    bars = bars.encode(y=y, x=x, color=_colour(styled, legend=None), tooltip=tips("contender", "seconds", "n"))
    ticks = chart_of(data, points).mark_tick(thickness=1.5, color="#7a7f88", height={"band": 0.7})
    ticks = ticks.encode(y=y, x=x, tooltip=tips("contender", "repeat", "epoch", "seconds"))
    layers = [bars, ticks]
    noisy = [point for point in points if point["noise"]]
    if noisy:
        red = chart_of(data, noisy).mark_tick(thickness=2.5, color=DISTURBED, height={"band": 0.9})
        layers.append(red.encode(y=y, x=x, tooltip=tips("contender", "repeat", "epoch", "seconds", "noise")))
    height = 24 * len(medians) + 10
    chart: alt.LayerChart = alt.layer(*layers).properties(width=WIDTH, height=height, title=title)
    return chart


def _levels(layout: Layout, line: int) -> dict[str, float]:
    """Accuracies to hold a task's curves against: what counts as learning, and what guessing reaches."""
    rows = [row for (_, its), members in layout.cells.items() if its == line for row in members]
    wanted = max((row["learned"] for row in rows if row.get("learned") is not None), default=None)
    workload = layout.tasks[line].workload
    found = {"counts as learning": wanted, "guessing": 0.1 if workload in OF_TEN_CLASSES else None}
    return {what: value for what, value in found.items() if value is not None}


def convergence(layout: Layout, epochs: Sequence[Point], levels: Mapping[str, float] | None = None) -> Spec:
    """Validation accuracy and loss, by epoch and by time: medians, with each repeat faint behind."""
    fields = ("epoch", "elapsed_s", "val_acc", "val_loss")
    points = [_point(layout, point, **{field: _rounded(point.get(field)) for field in fields}) for point in epochs]
    styled = _styled(layout, points)
    views: list[alt.LayerChart | alt.Chart] = []
    data: DataSets = {}
    for field, title in (("val_acc", "validation accuracy"), ("val_loss", "validation loss")):
        known = [point for point in points if point[field] is not None]
        if known:
            by_epoch = _epochs_axis(max(point["epoch"] for point in known))
            by_time = time_axis("elapsed_s", "seconds since fit()", (point["elapsed_s"] for point in known))
            shown = levels if field == "val_acc" else None
            views += [_curves(data, known, styled, x, field, title, shown or {}) for x in (by_epoch, by_time)]
    return side_by_side(views, data)


def _curves(
    data: DataSets,
    points: Sequence[Spec],
    styled: Sequence[Style],
    x: alt.X,
    field: str,
    title: str,
    levels: Mapping[str, float],
) -> alt.LayerChart:
    middle = [
        {**group[0], **{name: median(p[name] for p in group) for name in ("elapsed_s", field)}}
        for group in _grouped(points, "contender", "epoch").values()
    ]
    low, high = around([point[field] for point in points], most=1.0 if field == "val_acc" else math.inf)
    y = alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[low, high], nice=False), axis=alt.Axis(format=".2~f"))
    # Dashes around the marks of the legend would hide their shapes.
    look = _look(styled, legend=alt.Legend(symbolStrokeWidth=0))
    tooltip = tips("contender", "epoch", "elapsed_s", field)
    line = chart_of(data, middle).mark_line(strokeWidth=2).encode(x=x, y=y, **look)
    marks = chart_of(data, middle).mark_point(size=38, filled=True, opacity=1)
    marks = marks.encode(x=x, y=y, shape=_shape(styled), color=look["color"], tooltip=tooltip)
    layers = [line, marks]
    if any(point["repeat"] != points[0]["repeat"] for point in points):
        faint = chart_of(data, points).mark_line(strokeWidth=1, strokeOpacity=0.35)
        layers.insert(0, faint.encode(x=x, y=y, detail=["job:N"], **look))
    within = [{field: value, "what": what} for what, value in levels.items() if low <= value <= high]
    if within:
        rules = chart_of(data, within).mark_rule(strokeDash=[2, 3], color=LEVEL_COLOUR)
        layers.append(rules.encode(y=y, tooltip=tips("what", field)))
    chart: alt.LayerChart = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
    return chart


def host_use(layout: Layout, samples: Sequence[Point]) -> Spec:
    """Processor and memory of each job over the time since it started."""
    points = [thin for job in _grouped(samples, "job").values() for thin in _thinned(layout, job)]
    styled = _styled(layout, points)
    views: list[alt.LayerChart | alt.Chart] = []
    data: DataSets = {}
    for field, title in (("cpu_percent", "processor, % of one core"), ("rss_mb", "resident memory, MiB")):
        known = [point for point in points if point[field] is not None]
        if known:
            lines = chart_of(data, known).mark_line(strokeWidth=1.5).encode(
                x=time_axis("t_s", "seconds since the job started", (point["t_s"] for point in known)),
                y=alt.Y(f"{field}:Q", title=title, scale=from_zero(point[field] for point in known)),
                detail=["job:N"],
                tooltip=tips("contender", "repeat", "t_s", field),
                **_look(styled),
            )  # fmt: skip
            views.append(lines.properties(width=WIDTH, height=HEIGHT))
    return side_by_side(views, data)


def _thinned(layout: Layout, job: Sequence[Point]) -> list[Spec]:
    """At most MOST_POINTS points, each the mean of its neighbours."""
    fields = ("t_s", "cpu_percent", "rss_mb")
    return [_point(layout, group[0], **{field: mean_of(group, field) for field in fields}) for group in neighbours(job)]


def neighbours(points: Sequence[Point]) -> list[list[Point]]:
    """The readings of one job in order of time, in at most MOST_POINTS groups of about the same size."""
    ordered = sorted(points, key=lambda point: point["t_s"])
    chunks = np.array_split(np.arange(len(ordered)), min(MOST_POINTS, len(ordered)))
    return [[ordered[i] for i in chunk] for chunk in chunks]


def mean_of(group: Sequence[Point], field: str) -> float | None:
    """The mean of one field, rounded; None where no reading has it."""
    known = [point[field] for point in group if point.get(field) is not None]
    return round(sum(known) / len(known), 2) if known else None


def _point(layout: Layout, point: Point, **fields: Any) -> Spec:
    """A row of chart data: whose it is, and the wanted figures."""
    label = layout.contenders[point["column"]].label
    known = {name: value if _drawable(value) else None for name, value in fields.items()}
    return {"contender": label, "job": point["job"], "repeat": point["repeat"], "epoch": point.get("epoch"), **known}


def _drawable(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _grouped(points: Iterable[Any], *fields: str) -> dict[tuple[Any, ...], list[Any]]:
    """The points by their values in `fields`."""
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for point in points:
        groups[tuple(point.get(field) for field in fields)].append(point)
    return groups


def _styled(layout: Layout, points: Sequence[Spec]) -> list[Style]:
    """How the contenders that have points look: a contender looks the same in every chart of a report."""
    present = {point["contender"] for point in points}
    seen: Counter[str] = Counter()
    styles = []
    for position, contender in enumerate(layout.contenders):
        shape = SHAPES[position % len(SHAPES)]
        dash = DASHES[seen[contender.backend] % len(DASHES)]
        seen[contender.backend] += 1
        styles.append(Style(contender.label, colour(contender.backend), shape, dash))
    return [style for style in styles if style.label in present]


def chart_of(data: DataSets, values: Sequence[Spec]) -> alt.Chart:
    """A chart of `values`, which are put into `data`: Altair checks values that stand in a chart one by one: slow."""
    name = f"data-{len(data)}"
    data[name] = list(values)
    return alt.Chart(alt.NamedData(name=name))


def _rounded(value: float | None) -> float | None:
    """Without the last digits of float32, which would become an axis of their own where all values are equal."""
    return None if value is None else round(value, 6)


#: What a tooltip calls a field, and how it writes it (d3-format): counts whole, figures with three digits as in tables.
TIPS = {
    "contender": ("contender", None), "what": ("what", None), "noise": ("noise", None),
    "repeat": ("repeat", "d"), "epoch": ("epoch", "d"), "n": ("epochs", "d"),
    "seconds": ("seconds per epoch", ",.3r"), "elapsed_s": ("seconds since fit()", ",.3r"),
    "t_s": ("seconds since the job started", ",.3r"),
    "val_acc": ("validation accuracy", ".3f"), "val_loss": ("validation loss", ",.3r"),
    "cpu_percent": ("% of one core", ",.0f"), "rss_mb": ("MiB", ",.0f"),
    "util": ("utilization, %", ".0f"), "power_w": ("W", ",.3r"), "mem_mb": ("MiB", ",.0f"),
}  # fmt: skip


def tips(*fields: str) -> list[alt.Tooltip]:
    """What is said of a point under the pointer."""
    return [
        alt.Tooltip(f"{field}:N", title=title) if form is None else alt.Tooltip(f"{field}:Q", title=title, format=form)
        for field, (title, form) in ((field, TIPS[field]) for field in fields)
    ]


def from_zero(values: Iterable[float | None]) -> alt.Scale:
    """A scale that begins at 0. Where all is 0 it ends at 1: a scale of one point has a tick that says nothing."""
    largest = max((value for value in values if value is not None), default=0)
    return alt.Scale(zero=True) if largest > 0 else alt.Scale(domain=[0, 1])


def around(values: Sequence[float], most: float) -> tuple[float, float]:
    """A domain with room around the values, never a single point, from 0 to `most` at the widest."""
    low, high = min(values), max(values)
    room = max(0.05 * (high - low), 0.02 * abs(high), 0.02)
    return max(0.0, low - room) if low >= 0 else low - room, min(most, high + room) if high <= most else high + room


def time_axis(field: str, title: str, values: Iterable[float | None]) -> alt.X:
    """A horizontal axis from 0, so that what comes before the first point is seen, to the end of the data."""
    largest = max((value for value in values if value is not None), default=0)
    return alt.X(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, largest or 1], nice=False))


def _epochs_axis(last: int) -> alt.X:
    """A horizontal axis of whole epochs; about ten of them are named."""
    step = math.ceil(last / 10)
    scale = alt.Scale(domain=[1, max(2, last)], nice=False)
    return alt.X("epoch:Q", title="epoch", scale=scale).axis(values=list(range(step, last + 1, step)), format="d")


def _scale(styled: Sequence[Style], what: str) -> alt.Scale:
    return alt.Scale(domain=[s.label for s in styled], range=[getattr(s, what) for s in styled])


def _colour(styled: Sequence[Style], legend: Any = alt.Undefined) -> alt.Color:
    return alt.Color("contender:N", title=None, scale=_scale(styled, "colour"), legend=legend)


def _shape(styled: Sequence[Style]) -> alt.Shape:
    return alt.Shape("contender:N", title=None, scale=_scale(styled, "shape"))


def _look(styled: Sequence[Style], legend: Any = alt.Undefined) -> dict[str, Any]:
    """Colour by backend; contenders of one backend differ in their dashes."""
    dash = alt.StrokeDash("contender:N", title=None, scale=_scale(styled, "dash"))
    return {"color": _colour(styled, legend), "strokeDash": dash}


def side_by_side(views: Sequence[alt.LayerChart | alt.Chart], data: DataSets) -> Spec:
    """The specification of several views, two to a line, with the look that all charts share."""
    chart = alt.concat(*views, columns=2).configure(font="sans-serif", background="white")
    chart = chart.configure_legend(orient="top", columns=4, labelLimit=240, symbolStrokeWidth=2, symbolOpacity=1)
    chart = chart.configure_axis(labelLimit=LABEL_LIMIT, titleFontWeight="normal", gridOpacity=0.6)
    chart = chart.configure_view(stroke=None)
    found = chart.configure_title(anchor="start", fontSize=12).to_dict()
    # Whoever shows a still picture may have wider letters than those it was laid out with.
    return {**found, "padding": {"left": 40, "right": 12, "top": 5, "bottom": 5}, "datasets": data}


def draw(spec: Spec) -> tuple[str, bytes]:
    """SVG and PNG of a specification. Needs neither a browser nor a network."""
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, allowed_base_urls=[])
    return svg, vl_convert.svg_to_png(svg, scale=2)


def javascript() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that sets `vegaEmbed` on the window."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_VEGA_LITE)
