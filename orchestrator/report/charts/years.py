"""Each backend from version to version over the years: how many times as fast as in 2017, a line for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.report import style, words
from orchestrator.report.by_year import Point, points
from orchestrator.report.charts import scales
from orchestrator.report.charts.curves import LEFT, Curve, Level, Plot
from orchestrator.report.charts.figure import WIDE, WIDTH, Figure, Panel
from orchestrator.report.charts.labels import Labels
from orchestrator.report.charts.material import Look, Material
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas
from orchestrator.report.layout import Contender
from orchestrator.report.timelines import Timeline, Track, month, timelines, years

CAPTION = (
    "Each line is a backend, each point one of its versions with the Keras that it ran under, at the month in which "
    "the newer of the two was released. All trained the same models on the same machine. {height}{bars}"
)
TIMES = "The height says how many times as fast as {reference} it trains: at 2× an epoch takes half the time."
SECONDS = "The height is the seconds that an epoch takes, on a log scale: lower is faster."
BARS = " Bars are 95 % intervals."
RING = "A red ring: others disturbed it while it was measured."
KEPT = "tf_keras is Keras 2 as a package, on a TensorFlow whose own Keras is Keras 3."
PARTLY = "A hollow point did not run all models; it stands for those that it ran."
#: Heights of the room for curves: of the main panel, and of that of one model.
TALL, LOW = 300.0, 190.0
#: An interval is drawn to so many times its middle: with two repeats it would reach over everything.
LONGEST = 3.0
#: Years beside the first and the last point.
AIR = 0.4
#: A line that ends so many years before the others is named at its last point.
EARLY = 1.0


class Drawn(Struct, frozen=True):
    """The points of one panel with its title. `every`: of all panels on the same scale."""

    title: str
    points: Sequence[Point]
    every: Sequence[Point]

    @property
    def times(self) -> bool:
        return self.points[0].times


def build(material: Material) -> Figure | None:
    found = [line for line in timelines(material.layout, material.speeds) if line.spans(material.layout)]
    panels = [panel for line in found for panel in _panels(material, line)]
    if not panels:
        return None
    its = [material.layout.contenders[column] for line in found for column in line.columns]
    names = {material.layout.contenders[line.reference].name for line in found if line.reference is not None}
    first, *_, last = sorted(contender.released[:4] for contender in its)
    height = TIMES.format(reference=names.pop()) if names else SECONDS
    every = [p for line in found for where in (None, *line.lines) for p in points(material.speeds, line, where)]
    bars = any(_bar(point) for point in every)
    partly = any(not point.whole for line in found for point in points(material.speeds, line, None))
    said = list(_said(material, found))
    kept = any(track.name.startswith("tf_keras") for line in found for track in line.tracks)
    return Figure(
        title=f"How fast Keras trains, by year of release: {first} to {last}",
        caption=CAPTION.format(height=height, bars=BARS if bars else ""),
        alt=" ".join(said) or "The table below the picture has the figures.",
        panels=panels,
        words=[
            *said,
            *([KEPT] if kept else []),
            *([PARTLY] if partly else []),
            *([RING] if any(point.disturbed for point in every) else []),
        ],
    )


def _said(material: Material, found: Sequence[Timeline]) -> Iterator[str]:
    """How far each line has come."""
    for line in found:
        for track in line.tracks:
            pair = (track.columns[0], track.columns[-1])
            where = None if len(line.lines) > 1 else line.lines[0]
            gain = line.gains.get((pair, where))
            if gain:
                first, last = (material.layout.contenders[column] for column in pair)
                since = f"{first.name} ({first.released[:4]})"
                told = f"{_named(last)} ({last.released[:4]}) trains {words.ratio(gain.ratio)} as fast as {since}"
                yield f"{told}: {gain.verdict}."


def _panels(material: Material, line: Timeline) -> Iterator[Panel]:
    """The main one, twice: one is for phones. Then one for each model; those of ratios share one scale."""
    prefix = f"{line.where}: " if line.where else ""
    titles = {task: prefix + material.layout.tasks[task].label for task in line.lines}
    alone = {task: its for task in line.lines if len(its := points(material.speeds, line, task)) > 1}
    main = points(material.speeds, line, None) if len(alone) > 1 else []
    shared = [point for its in [main, *alone.values()] for point in its if point.times]
    if main:
        drawn = Drawn(f"{prefix}all models together (geometric mean)", main, shared or main)
        yield replace(_panel(material, line, drawn, WIDE, TALL), where="wide")
        yield replace(_panel(material, line, drawn, WIDTH, TALL), where="narrow")
    for task, its in alone.items():
        if len(alone) == 1:  # it is all there is
            yield replace(_panel(material, line, Drawn(titles[task], its, its), WIDE, TALL), where="wide")
            yield replace(_panel(material, line, Drawn(titles[task], its, its), WIDTH, TALL), where="narrow")
            return
        yield _panel(material, line, Drawn(titles[task], its, shared if its[0].times else its), WIDTH, LOW)


def _panel(material: Material, line: Timeline, drawn: Drawn, width: float, height: float) -> Panel:
    at = {column: years(material.layout.contenders[column]) for column in line.columns}
    plot = Plot(drawn.title, "", list(_curves(material, line, drawn, at)), width, height)
    x = Scale(int(min(at.values())), max(at.values()) + AIR, LEFT, plot.right)
    ends = [value for point in drawn.every for value in (point.value, *_bar(point))]
    y = scales.logarithmic(ends, plot.bottom, plot.top)
    labels = Labels((LEFT, plot.top, plot.right + 8, plot.bottom))
    for point in drawn.points:
        labels.take(x(at[point.column]), y(point.value))
    return plot.drawn(
        x,
        y,
        titles=("year of release", "times as fast" if drawn.times else "seconds per epoch (lower is faster)"),
        levels=[Level(1.0, "", "t")] if drawn.times else [],
        forms=("{:.0f}".format, scales.times if drawn.times else scales.tick),
        whole=True,
        above=lambda canvas: _marks(canvas, material, line, drawn.points, x, y, labels, at),
    )


def _curves(material: Material, line: Timeline, drawn: Drawn, at: dict[int, float]) -> Iterator[Curve]:
    """A line for each backend; it is hidden with the last of its contenders."""
    values = {point.column: point.value for point in drawn.points}
    for track in line.tracks:
        columns = [column for column in track.columns if column in values]
        if columns:
            keys = " ".join(material.looks[column].key for column in columns)
            look = Look(track.name, keys, style.name(track.backend), "circle", "")
            name = "" if _early(at, columns[-1]) else track.name
            its = [(at[column], values[column]) for column in columns]
            yield Curve(look, name, its, [""] * len(its), plain=True)


def _early(at: dict[int, float], column: int) -> bool:
    return at[column] < max(at.values()) - EARLY


def _bar(point: Point) -> tuple[float, ...]:
    """The ends of its interval, where it has one."""
    if point.low is None or point.high is None:
        return ()
    return max(point.low, point.value / LONGEST), min(point.high, point.value * LONGEST)


def _marks(
    canvas: Canvas,
    material: Material,
    line: Timeline,
    its: Sequence[Point],
    x: Scale,
    y: Scale,
    labels: Labels,
    at: dict[int, float],
) -> None:
    shapes = {column: style.SHAPES[i % len(style.SHAPES)] for i, t in enumerate(line.tracks) for column in t.columns}
    told = {column: text for track in line.tracks for column, text in _versions(material, track).items()}
    names = dict(_named_at(line, its, at))
    for point in sorted(its, key=lambda point: point.column not in names):  # names before numbers alone
        contender, look = material.layout.contenders[point.column], material.looks[point.column]
        across, up, tip = x(years(contender)), y(point.value), _tip(contender, point)
        with canvas.group(look.colour, look.key):
            for low, high in [_bar(point)] if _bar(point) else []:
                canvas.line(across, y(low), across, y(high), "f")
            canvas.mark(shapes[point.column], across, up, "m" if point.whole else "o", tip)
            if point.disturbed:
                canvas.mark("circle", across, up, "r", f"disturbed; {tip}", 7)
            texts = told[point.column]
            if point.column in names:
                label = labels.near(across, up, f"{names[point.column]} {texts[-1]}", names[point.column])
                label = label or labels.beside(across, up, names[point.column])
            else:
                label = labels.near(across, up, *texts)
            if label:
                canvas.text(label.x, label.y, label.text, label.look)


def _named_at(line: Timeline, its: Sequence[Point], at: dict[int, float]) -> Iterator[tuple[int, str]]:
    """The last points of lines that end early, and the names of these."""
    there = {point.column for point in its}
    for track in line.tracks:
        columns = [column for column in track.columns if column in there]
        if columns and _early(at, columns[-1]):
            yield columns[-1], track.name


def _tip(contender: Contender, point: Point) -> str:
    figure = f"{point.figure}{' as fast' if point.times else ' per epoch'}"
    bounds = f" ({point.bounds})" if point.bounds else ""
    parts = filter(None, [figure + bounds, point.gain.verdict if point.gain else "", point.partly])
    return f"{month(contender.released)}: {_named(contender)}: {', '.join(parts)}"


def _named(contender: Contender) -> str:
    return f"{contender.name} under {words.keras_name(str(contender.identity['keras_version'] or ''))}"


def _versions(material: Material, track: Track) -> dict[int, list[str]]:
    """What may stand at each point, the longest first: `2.15`, with its Keras where the track has it twice."""
    contenders = {column: material.layout.contenders[column].identity for column in track.columns}
    short = {column: _short(str(its["framework_version"] or "")) for column, its in contenders.items()}
    twice = Counter(short.values())
    found = {}
    for column, text in short.items():
        keras = words.keras_name(_short(str(contenders[column]["keras_version"] or "")))
        found[column] = [*([f"{text}, {keras}"] if twice[text] > 1 else []), text]
    return found


def _short(version: str) -> str:
    """`2.21` of 2.21.0+cpu: what tells versions of years apart."""
    return ".".join(version.partition("+")[0].split(".")[:2])
