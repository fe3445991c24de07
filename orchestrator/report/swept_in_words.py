"""What varied settings give, in sentences: the best of each contender and of all, and what came of other values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.report import words
from orchestrator.report.blocks import Span
from orchestrator.report.layout import Layout, short_labels
from orchestrator.report.swept import NO_MEMORY, Along, Place, Rival, Stop, Sweep, Track, setting
from orchestrator.stats.inference import ENOUGH, Difference, times
from orchestrator.text import listed

#: A sentence in pieces.
Sentence = list[str | Span]
ONCE = "one repeat each, so this is not certain"
DISTURBED = "this rests on disturbed figures"


def names(layout: Layout, sweep: Sweep) -> dict[int, str]:
    """What its contenders are called among themselves, by position."""
    labels = short_labels([layout.contenders[column] for column in sweep.columns])
    return dict(zip(sweep.columns, labels, strict=True))


def in_words(settings: Mapping[str, str]) -> str:
    """`precision=float32, jit=on`, as people asked for it."""
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def overall(layout: Layout, sweep: Sweep) -> Sentence | None:
    """The best of all contenders and settings; None where no time counts."""
    if sweep.best is None:
        return None
    told = names(layout, sweep)
    column = sweep.best[0]
    tracks = [track for track in sweep.alongs[0].tracks if track.column == column] if len(sweep.axes) == 1 else []
    found = [rival.found for rival in sweep.rivals] or _tests(sweep, column)
    sure = (all if sweep.rivals else any)(each.significant and each.ratio > 1 for each in found)
    who = Span(f"{told[column]} at {_varied(layout, sweep, sweep.best)}", "strong")
    if not found:
        return [f"{sweep.title}: only ", who, f" gave a time that counts: {rate(layout, _stop(sweep, sweep.best))}."]
    axis = sweep.alongs[0]
    said = [f"{rate(layout, _stop(sweep, sweep.best))}{_gain(axis, tracks[0]) if tracks else ''}"]
    said += [text for track in tracks for text in _ties(axis, track)]
    said += [_rival(layout, sweep, rival, told) for rival in sweep.rivals[:1]]
    said += [ONCE] if found and all(each.p is None for each in found) else []
    compared = [_stop(sweep, place) for place in (sweep.best, *(rival.place for rival in sweep.rivals[:1]))]
    said += [DISTURBED] if _disturbed(tracks) or any(s.speed and s.speed.disturbed for s in compared) else []
    return [f"{sweep.title}: ", who, f" {'is' if sure else 'was'} fastest: {'; '.join(said)}."]


def along(layout: Layout, sweep: Sweep, its: Along) -> Iterator[Sentence]:
    """A sentence for each contender along one axis."""
    told = names(layout, sweep)
    for track in its.tracks:
        said = [*_best(layout, its, track), *_troubles(its, track)]
        if said:
            yield [Span(told[track.column], "strong"), f" {'; '.join(said)}."]


def _tests(sweep: Sweep, column: int) -> list[Difference]:
    tracks = [track for its in sweep.alongs for track in its.tracks if track.column == column]
    return [stop.found for track in tracks for stop in track.stops if stop.found]


def _varied(layout: Layout, sweep: Sweep, place: Place) -> str:
    return in_words({name: value for name, value in setting(layout, place[1]).items() if name in sweep.axes})


def _stop(sweep: Sweep, place: Place) -> Stop:
    """What is known of a contender at its settings; any of the axes has it."""
    stops = [(t.column, stop) for its in sweep.alongs for t in its.tracks for stop in t.stops]
    return next(stop for column, stop in stops if (column, stop.line) == place)


def rate(layout: Layout, stop: Stop) -> str:
    """`12,300 images/s`, or what a call took."""
    task = layout.tasks[stop.line]
    if stop.rate is not None:
        return f"{words.figure(stop.rate)} {task.about.unit}/s"
    return words.took(stop.speed.seconds, task.mode) if stop.speed else words.ABSENT


def _best(layout: Layout, its: Along, track: Track) -> Iterator[str]:
    """The fastest value of one contender, how far it is from the others, and which of these it is not told from."""
    best, tests = track.best, [stop.found for stop in track.stops if stop.found]
    if best is None:
        alone = next((stop for stop in track.stops if stop.speed and not stop.why), None)
        if alone:
            yield f"has a time that counts at {its.axis}={alone.value} alone: {rate(layout, alone)}"
        return
    sure = any(stop.told for stop in track.stops)
    yield f"{'is' if sure else 'was'} fastest at {its.axis}={best.value}: {rate(layout, best)}{_gain(its, track)}"
    yield from _ties(its, track)
    if all(found.p is None for found in tests):
        yield ONCE
    if _disturbed([track]):
        yield DISTURBED


def _gain(its: Along, track: Track) -> str:
    """`, 2.9 to 3.3 times as fast as at 32`: the first surely slower value; the last where the first is best."""
    surely = [stop for stop in track.stops if stop.told]
    if not surely:
        apart = [stop for stop in track.stops if stop.found and stop.found.p is None]
        far = (apart[-1] if track.stops[0].best else apart[0]) if apart else None
        return (
            f", {words.ratio(far.found.ratio)[:-1]} times as fast as at {_named(its, far)}" if far and far.found else ""
        )
    stop = surely[-1] if track.stops[0].best else surely[0]
    assert stop.found is not None
    return f", {stop.found.bounds(times)} as fast as at {_named(its, stop)}"


def _named(its: Along, stop: Stop) -> str:
    """`32`; `jit=off`, which alone is no noun."""
    return stop.value if its.is_numeric else f"{its.axis}={stop.value}"


def _ties(its: Along, track: Track) -> Iterator[str]:
    """The values that are not told from the fastest."""
    open_ = [stop for stop in track.stops if stop.found and stop.found.p is not None and not stop.told]
    few = [stop for stop in open_ if stop.found and not _enough(stop.found)]
    same = [stop for stop in open_ if stop not in few]
    if len(same) == 1:
        both = [_named(its, stop) for stop in track.stops if stop.best or stop in same]
        yield f"{listed(both)} cannot be told apart"
    elif same:
        yield f"{listed([_named(its, stop) for stop in same])} cannot be told from it"
    if few:
        repeats = min(min(stop.found.n_a, stop.found.n_b) for stop in few if stop.found)
        which = listed([_named(its, stop) for stop in few])
        yield f"{words.count(repeats)} repeats are too few to tell {which} from it"


def _troubles(its: Along, track: Track) -> Iterator[str]:
    """What did not fit into memory, and what did not get what was asked for."""
    full = [stop.value for stop in track.stops if stop.why == NO_MEMORY]
    if full:
        yield f"ran out of memory at {its.axis}={listed(full)}"
    for stop in track.stops:
        if stop.speed and stop.speed.otherwise:
            yield f"has no verdict at {its.axis}={stop.value} ({stop.speed.otherwise})"


def _rival(layout: Layout, sweep: Sweep, rival: Rival, told: Mapping[int, str]) -> str:
    """How the next contender does at its own best."""
    found = rival.found
    who = f"{told[rival.place[0]]}, fastest at {_varied(layout, sweep, rival.place)},"
    if found.significant and found.ratio > 1:
        return f"{who} {found.words}"
    if found.p is None:
        return f"{who} took {words.ratio(found.ratio)[:-1]} times as long"
    repeats = words.count(min(found.n_a, found.n_b))
    return f"{who} {'cannot be' if _enough(found) else 'is not'} told from it by {repeats} repeats"


def _enough(found: Difference) -> bool:
    return min(found.n_a, found.n_b) >= ENOUGH


def _disturbed(tracks: Sequence[Track]) -> bool:
    """Whether any of the times that are set against each other was disturbed."""
    return any(stop.speed and stop.speed.disturbed for t in tracks for stop in t.stops if stop.best or stop.found)
