"""What each value of a varied setting gives: a picture, a sentence for each contender, and the figures along each axis.

charts/sweeps.py draws the picture; swept.py says what is compared with what, and how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Block, Chart, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.outcomes import SWEEPS_SECTION
from orchestrator.report.swept import Along, Stop, Sweep, Track, is_in_batches, sweeps
from orchestrator.report.swept_in_words import along, in_words, names, overall
from orchestrator.report.view import View
from orchestrator.stats.describe import median
from orchestrator.stats.inference import interval
from orchestrator.stats.repeats import TRAIN
from orchestrator.stats.sweeps import KEEPS_WORK

#: The picture of this section; it stands here and not with the others.
PICTURE = "sweeps"
NOTE = (
    "Each contender against itself: which value of a setting is its fastest, all else being the same. The figures say "
    "which one that is, so verdicts are corrected for all pairs of values of a contender in this section, and those "
    "between contenders for all pairs of contenders and settings."
)
OTHER_WORK = "{} {} a model, or the steps that it takes: a faster value does other work, and may learn less from it."
#: Tables that stand open.
MOST_OPEN = 2


def build(view: View) -> Section | None:
    found = sweeps(view.layout, view.speeds)
    if not found:
        return None
    blocks: list[Block] = [Paragraphs([text for text in (overall(view.layout, sweep) for sweep in found) if text])]
    if picture := view.drawn.pictures.get(PICTURE):
        blocks.append(Chart(PICTURE, picture.title, only="html"))
    several = sum(len(sweep.alongs) for sweep in found) > MOST_OPEN
    for sweep in found:
        for its in sweep.alongs:
            blocks += _along(view, sweep, its, several)
    blocks.append(Paragraphs([NOTE, *(_other_work(found) if view.mode == TRAIN else [])]))
    return Section(name=SWEEPS_SECTION, title="Sweeps", blocks=blocks)


def _other_work(found: Sequence[Sweep]) -> Iterator[str]:
    axes = dict.fromkeys(axis for sweep in found for axis in sweep.axes if axis not in KEEPS_WORK)
    if axes:
        yield OTHER_WORK.format(" and ".join(axes), "changes" if len(axes) == 1 else "change")


def _along(view: View, sweep: Sweep, its: Along, folded: bool) -> Iterator[Block]:
    fixed = f" with {in_words(its.fixed)}" if its.fixed else ""
    title = f"{sweep.title} along {its.axis}{fixed}"
    yield Paragraphs([[Span(title, "strong")]])
    yield Paragraphs(list(along(view.layout, sweep, its)), "bullets")
    told = names(view.layout, sweep)
    rated = _is_rated(view, sweep)
    rows = [_cells(view, told, track, stop, rated) for track in its.tracks for stop in track.stops]
    yield Table(_columns(view, sweep, its), rows, fold=f"The figures along {its.axis}{fixed}", open=not folded)


def _is_rated(view: View, sweep: Sweep) -> bool:
    """Whether samples per second are told, beside seconds."""
    return view.mode == TRAIN or is_in_batches(view.layout, sweep.lines[0])


def _columns(view: View, sweep: Sweep, its: Along) -> list[Column]:
    rated = _is_rated(view, sweep)
    what = "s/epoch" if view.mode == TRAIN else "time of a sample" if rated else "time"
    figures = (what, "95 % interval", *([f"{sweep.task.about.unit}/s"] if rated else []), "peak memory")
    return [
        *(Column("contender", heads=True), Column(its.axis, number=its.is_numeric)),
        *(Column(title, number=True) for title in figures),
        Column("against its fastest value"),
    ]


def _cells(view: View, told: dict[int, str], track: Track, stop: Stop, rated: bool) -> list[Text]:
    rows = view.layout.cells.get((track.column, stop.line), [])
    head: list[Text] = [told[track.column], stop.value]
    if stop.speed is None:
        return [
            *head,
            *([words.ABSENT] * (4 if rated else 3)),
            [Span(stop.why, "status bad" if rows else "small")],
        ]
    bounds = interval(stop.speed.repeats)
    scale = 1 if view.mode == TRAIN else 1000
    return [
        *head,
        words.took(stop.speed.seconds, view.mode),
        words.span(scale * bounds[1], scale * bounds[2]) if bounds else words.ABSENT,
        *([words.figure(stop.rate)] if rated else []),
        _memory(rows),
        _verdict(stop),
    ]


def _memory(rows: Sequence[Row]) -> str:
    """The most that a job held: of the GPU where one was used, else of the host."""
    known = [median(row.get(name) for row in rows) for name in ("gpu_mem_peak_mb", "rss_peak_mb")]
    return words.megabytes(next((value for value in known if value is not None), None))


def _verdict(stop: Stop) -> Text:
    if stop.best:
        return [Span("fastest", "status good")]
    if stop.found is None:
        return stop.why
    if stop.found.p is None:
        return f"took {words.ratio(stop.found.ratio)[:-1]} times as long"
    return stop.found.words
