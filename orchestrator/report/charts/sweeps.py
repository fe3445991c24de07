"""Samples per second along each setting of which a run had several values: curves over numbers, dots beside names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from orchestrator.report import words
from orchestrator.report.charts import scales
from orchestrator.report.charts.curves import LEFT, Curve, Plot, key_panel, names
from orchestrator.report.charts.figure import WIDE, WIDTH, Figure, Panel
from orchestrator.report.charts.material import Look, Material
from orchestrator.report.charts.rows import Rows
from orchestrator.report.charts.scales import Scale
from orchestrator.report.charts.svg import Canvas
from orchestrator.report.swept import NO_MEMORY, Along, Stop, Sweep, Track, sweeps
from orchestrator.report.swept_in_words import in_words, overall

CAPTION = "How many samples a second each value makes: higher (or further right) is faster. "
BARS = "Bars are 95 % intervals over repeats. "
ENDS = "A red cross: it ran out of memory there. "
RING = "A red ring: others disturbed it while it was measured. "
HOLLOW = "A hollow mark: it did not get what was asked, so it has no verdict."
TALL = 220.0
#: An interval is drawn to so many times its middle: with two repeats it would reach over everything.
LONGEST = 3.0
#: From this ratio of the largest value to the smallest on, an axis of values is logarithmic.
FAR = 4.0
RATE = "samples per second"
#: From this rate on an axis counts thousands.
THOUSANDS = 10_000.0


class Values(Scale, frozen=True):
    """A horizontal axis whose ticks are the values that were tried."""

    values: tuple[float, ...] = ()

    def ticks(self, most: int) -> list[float]:
        return list(self.values)


def build(material: Material) -> Figure | None:
    found = [(sweep, along) for sweep in sweeps(material.layout, material.speeds) for along in sweep.alongs]
    drawn = [(sweep, along) for sweep, along in found if _rates(along)]
    if not drawn:
        return None
    panels = [panel for sweep, along in drawn for panel in _panels(material, sweep, along, alone=len(drawn) == 1)]
    stops = [stop for _, along in drawn for track in along.tracks for stop in track.stops]
    said = [text for text in (overall(material.layout, sweep) for sweep, _ in drawn) if text]
    alt = " ".join(dict.fromkeys("".join(p if isinstance(p, str) else p.text for p in text) for text in said))
    bars, full = any(stop.low for stop in stops), any(stop.why == NO_MEMORY for stop in stops)
    hollow = any(stop.speed and stop.why for stop in stops)
    rings = any(stop.speed and stop.speed.disturbed for stop in stops)
    caption = "".join([CAPTION, *[BARS] * bars, *[ENDS] * full, *[RING] * rings, *[HOLLOW] * hollow])
    title = f"Speed along {', '.join(dict.fromkeys(along.axis for _, along in drawn))}"
    return Figure(title, caption.strip(), alt or "The tables below the picture have the figures.", panels)


def _rates(along: Along) -> list[float]:
    return [stop.rate for track in along.tracks for stop in track.stops if stop.rate]


def _panels(material: Material, sweep: Sweep, along: Along, alone: bool) -> Iterator[Panel]:
    title = " · ".join(filter(None, [sweep.title, in_words(along.fixed)]))
    tracks = [track for track in along.tracks if any(stop.rate for stop in track.stops)]
    if not along.is_numeric:
        yield _dots(material, sweep, along, title, tracks)
        return
    looks = [material.looks[track.column] for track in tracks]
    called = names(looks)
    if alone:
        yield replace(_curves(material, sweep, along, title, tracks, called, WIDE), where="wide")
        yield replace(_curves(material, sweep, along, title, tracks, called, WIDTH), where="narrow")
    else:
        yield _curves(material, sweep, along, title, tracks, called, WIDTH)
    if any(name != look.label for name, look in zip(called, looks, strict=True)):
        yield key_panel(looks, called)


def _bar(stop: Stop) -> tuple[float, ...]:
    """The ends of its interval, where it has one."""
    if stop.rate is None or stop.low is None or stop.high is None:
        return ()
    return max(stop.low, stop.rate / LONGEST), min(stop.high, stop.rate * LONGEST)


def _ends(sweep: Sweep) -> list[float]:
    """All rates and their bounds: the panels of one sweep share a scale."""
    tracks = [track for along in sweep.alongs for track in along.tracks]
    stops = [stop for track in tracks for stop in track.stops if stop.rate]
    return [value for stop in stops for value in (stop.rate or 0.0, *_bar(stop))]


def _curves(
    material: Material,
    sweep: Sweep,
    along: Along,
    title: str,
    tracks: Sequence[Track],
    called: Sequence[str],
    width: float,
) -> Panel:
    curves = [
        Curve(
            material.looks[track.column],
            name,
            [(float(stop.value), stop.rate) for stop in track.stops if stop.rate],
            [_tip(material.looks[track.column], along, stop) for stop in track.stops if stop.rate],
            plain=True,
        )
        for track, name in zip(tracks, called, strict=True)
    ]
    plot = Plot(title, "", curves, width, TALL)
    asked = {float(value): value for value in along.values}
    values = tuple(asked)
    x = _across(values, plot.right)
    y = scales.fitting(_ends(sweep), plot.bottom, plot.top)
    log = f"{along.axis} (log scale)" if x.log else along.axis
    return plot.drawn(
        x,
        y,
        titles=(log, _title(y)),
        forms=(asked.__getitem__, _form(y)),
        above=lambda canvas: _marks(canvas, material, along, tracks, x, y),
    )


def _across(values: tuple[float, ...], right: float) -> Values:
    """An axis through all values, with a little room at both ends."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= FAR:
        room = (high / low) ** 0.05
        return Values(low / room, high * room, LEFT, right, True, values)
    room = (high - low) * 0.05
    return Values(low - room, high + room, LEFT, right, False, values)


def _marks(canvas: Canvas, material: Material, along: Along, tracks: Sequence[Track], x: Scale, y: Scale) -> None:
    for track in tracks:
        look, last = material.looks[track.column], 0.0
        with canvas.group(look.colour, look.key):
            for stop in track.stops:
                across, tip = x(float(stop.value)), _tip(look, along, stop)
                if stop.rate is not None:
                    last = stop.rate
                    _mark(canvas, look, stop, across, y(stop.rate), [y(end) for end in _bar(stop)], tip)
                elif stop.why == NO_MEMORY and last:
                    _full(canvas, x, y, track, stop, last, tip)


def _mark(canvas: Canvas, look: Look, stop: Stop, across: float, up: float, ends: Sequence[float], tip: str) -> None:
    if ends:
        canvas.line(across, ends[0], across, ends[1], "f")
        for end in ends:
            canvas.line(across - 3, end, across + 3, end, "f")
    canvas.mark(look.shape, across, up, "o" if stop.why else "m", tip)
    if stop.speed and stop.speed.disturbed:
        canvas.mark("circle", across, up, "r", f"disturbed; {tip}", 7)


def _full(canvas: Canvas, x: Scale, y: Scale, track: Track, stop: Stop, last: float, tip: str) -> None:
    """Where a line ends for want of memory: as high as its last speed, as there is none."""
    before = [each for each in track.stops[: track.stops.index(stop)] if each.rate is not None]
    across, up = x(float(stop.value)), y(last)
    canvas.path([(x(float(before[-1].value)), up), (across, up)], "f", dash="1 3")
    _cross(canvas, across, up, tip)


def _cross(canvas: Canvas, x: float, y: float, tip: str) -> None:
    canvas.path([(x - 4.5, y - 4.5), (x + 4.5, y + 4.5)], "r", tip)
    canvas.path([(x - 4.5, y + 4.5), (x + 4.5, y - 4.5)], "r", tip)


def _tip(look: Look, along: Along, stop: Stop) -> str:
    head = f"{look.label} at {along.axis}={stop.value}"
    if stop.rate is None:
        return f"{head}: {stop.why}"
    between = f" ({words.span(stop.low, stop.high)})" if stop.low is not None and stop.high is not None else ""
    verdict = "its fastest" if stop.best else stop.found.words if stop.found else stop.why
    return ", ".join(filter(None, [f"{head}: {words.figure(stop.rate)} {RATE}{between}", verdict]))


def _dots(material: Material, sweep: Sweep, along: Along, title: str, tracks: Sequence[Track]) -> Panel:
    """Each contender with a row for each of its values."""
    stops = [(track, stop) for track in tracks for stop in track.stops]
    looks = [material.looks[track.column] for track, _ in stops]
    right = [words.figure(stop.rate) if stop.rate else stop.why for _, stop in stops]
    heads = {i * len(along.values): material.looks[track.column].label for i, track in enumerate(tracks)}
    rows = Rows(title, [stop.value for _, stop in stops], right, keys=[look.key for look in looks], heads=heads)
    scale = scales.fitting(_ends(sweep), rows.begin, rows.end)
    for y, look, (_, stop) in zip(rows.y, looks, stops, strict=True):
        tip = _tip(look, along, stop)
        with rows.canvas.group(look.colour, look.key):
            if stop.rate is None:
                continue
            for low, high in [_bar(stop)] if _bar(stop) else []:
                rows.canvas.line(scale(low), y, scale(high), y, "l")
            rows.canvas.mark(look.shape, scale(stop.rate), y, "o" if stop.why else "m", tip)
            if stop.speed and stop.speed.disturbed:
                rows.canvas.mark("circle", scale(stop.rate), y, "r", f"disturbed; {tip}", 7)
    return rows.close(scale, _title(scale), _form(scale))


def _title(scale: Scale) -> str:
    thousand = "thousand " if scale.high >= THOUSANDS else ""
    return f"{thousand}{RATE}{' (log scale)' if scale.log else ''}"


def _form(scale: Scale) -> Callable[[float], str]:
    return (lambda value: scales.tick(value / 1000)) if scale.high >= THOUSANDS else scales.tick
