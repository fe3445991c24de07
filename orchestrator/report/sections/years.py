"""Nine years of Keras: each backend from version to version, what an upgrade gains, and Keras apart from its backend.

charts/years.py draws the picture; timelines.py says what is compared with what, and how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.report import words
from orchestrator.report.blocks import Block, Chart, Column, Paragraphs, Section, Span, Table, Text, spaced
from orchestrator.report.by_year import Point, points
from orchestrator.report.layout import Contender
from orchestrator.report.tasks import noun
from orchestrator.report.timelines import Gain, Pair, Timeline, Where, month, timelines
from orchestrator.report.view import View
from orchestrator.text import listed, plural

#: The picture of these sections; it stands with them and not with the others.
PICTURE = "years"
NOTE = "The large figure is how many times as fast the second is as the first: above 1 is a gain, below 1 a cost."
SURE = (
    " Below it the 95 % interval, then the verdict. Dates choose these pairs and no figure does, so verdicts and "
    "intervals are corrected for their number ({count} here): at most 5 % of reports hold one false “faster” or "
    "“slower”. “No difference seen” comes from five repeats or more."
)
ONCE = " With one repeat there is no verdict: use "
KERAS = "One backend version under two versions of Keras: what differs is Keras, with what it asks of the backend."
BACKENDS = "One Keras over two versions of a backend: what differs is the backend."
ALL_THE_WAY = "From the first version of each line to its last"
#: Pairs of which a sentence tells; the table has all.
MOST_TOLD = 3


def build(view: View) -> list[Section]:
    found = timelines(view.layout, view.speeds)
    made = [_by_year(view, found), _upgrades(view, found), _apart(view, found)]
    return [section for section in made if section]


def _by_year(view: View, found: Sequence[Timeline]) -> Section | None:
    spanning = [line for line in found if line.spans(view.layout)]
    if not spanning:
        return None
    blocks: list[Block] = []
    if picture := view.drawn.pictures.get(PICTURE):
        blocks.append(Chart(PICTURE, picture.title, only="html"))
    for line in spanning:
        heads = _heads(view, line, "released", "backend", "Keras")
        fold = f"The figures of this picture as a table{f' ({line.where})' if line.where else ''}"
        counted = _counted(view, line)
        blocks.append(Paragraphs([f"{counted}."], only="markdown"))  # the twin has no captions
        blocks.append(Table(heads, list(_figures(view, line)), caption=counted, fold=fold))
    return Section(name="years", title="Keras by year", blocks=blocks)


def _counted(view: View, line: Timeline) -> str:
    """What the table's figures are."""
    over = "overall: their geometric mean" if len(line.lines) > 1 else ""
    if line.reference is None:
        return "; ".join(filter(None, ["Seconds per epoch, with the 95 % interval", over]))
    its = noun(view.layout.tasks[task] for task in line.lines)
    what = f"Times as fast as {view.layout.contenders[line.reference].name} on each {its}"
    return "; ".join(filter(None, [f"{what}, seconds where that did not run", "with the 95 % interval", over]))


def _figures(view: View, line: Timeline) -> Iterator[list[Text]]:
    """Each contender, the oldest first."""
    its = view.layout.contenders
    known = [{point.column: point for point in points(view.speeds, line, where)} for where in _wheres(line)]
    for column in sorted(line.columns, key=lambda column: its[column].released):
        head: list[Text] = [month(its[column].released), its[column].name, _keras(its[column])]
        yield [*head, *(_figure(by_column.get(column)) for by_column in known)]


def _figure(point: Point | None) -> Text:
    if point is None:
        return words.ABSENT
    return spaced([Span(point.figure, "strong"), Span(point.bounds, "small"), Span(point.partly, "small")])


def _upgrades(view: View, found: Sequence[Timeline]) -> Section | None:
    blocks: list[Block] = []
    for line in found:
        for caption, pairs in (("", line.steps), (ALL_THE_WAY, line.whole)):
            blocks += _tables(view, line, pairs, caption)
    if not blocks:
        return None
    count = sum(gain.found.p is not None for line in found for gain in line.gains.values())
    sure = [SURE.format(count=plural(count, "comparison"))] if count else [ONCE, Span("--repeats 5", "code"), "."]
    return Section(
        name="upgrades", title="What does an upgrade cost or gain?", blocks=[Paragraphs([[NOTE, *sure]]), *blocks]
    )


def _apart(view: View, found: Sequence[Timeline]) -> Section | None:
    """Keras apart from its backend, and the other way round."""
    blocks: list[Block] = []
    for note, pairs in ((KERAS, [line.keras for line in found]), (BACKENDS, [line.backends for line in found])):
        asked = list(zip(found, pairs, strict=True))
        tables = [table for line, its in asked for table in _tables(view, line, its)]
        if tables:
            told = [text for line, its in asked for text in _told(view, line, its)]
            blocks += [Paragraphs([note]), Paragraphs(told[:MOST_TOLD], "bullets"), *tables]
    return Section(name="apart", title="Keras apart from its backend", blocks=blocks) if blocks else None


def _told(view: View, line: Timeline, pairs: Sequence[Pair]) -> Iterator[Text]:
    """A sentence for each pair: what the later one is to the earlier, overall or on the only model."""
    for pair in pairs:
        one, other = (view.layout.contenders[column] for column in pair)
        same = _keras(one) != _keras(other)
        where, first, second = (one.name, _keras(one), _keras(other)) if same else (_keras(one), one.name, other.name)
        its = [gain for (its, task), gain in line.gains.items() if its == pair and task is not None]
        gain = line.gains.get((pair, None)) or (its[0] if its else None)
        if gain:
            yield f"{'On' if same else 'Under'} {where}, {second} trains {_sentence(gain, first)}{_range(its)}."


def _sentence(gain: Gain, first: str) -> str:
    if gain.told and gain.low and gain.high:
        return f"{gain.low:.2f} to {gain.high:.2f} times as fast as {first}"
    return f"{words.ratio(gain.ratio)[:-1]} times as fast as {first} ({gain.verdict})"


def _range(its: Sequence[Gain]) -> str:
    """How far the models differ, where there are several."""
    if len(its) < 2:
        return ""
    counts = {word: sum(gain.verdict == word for gain in its) for word in ("faster", "slower")}
    told = [f"surely {word} on {count}" for word, count in counts.items() if count]
    low, high = (words.ratio(end(gain.ratio for gain in its)) for end in (min, max))
    return f" over {len(its)} models together, {low} to {high} by model{f' ({listed(told)})' if told else ''}"


def _tables(view: View, line: Timeline, pairs: Sequence[Pair], caption: str = "") -> list[Table]:
    """A row for each pair, those of the earliest second first; no table without any."""
    its = view.layout.contenders
    rows: list[list[Text]] = []
    for pair in sorted(pairs, key=lambda pair: (its[pair[1]].released, its[pair[0]].released)):
        gains = [line.gains.get((pair, where)) for where in _wheres(line)]
        cells = [_cell(gain, _reason(view, pair, where)) for gain, where in zip(gains, _wheres(line), strict=True)]
        if any(gains):
            rows.append([_named(its[pair[0]]), _named(its[pair[1]]), *cells])
    named = " · ".join(filter(None, [line.where, caption]))
    return [Table(_heads(view, line, "from", "to"), rows, caption=named)] if rows else []


def _reason(view: View, pair: Pair, where: Where) -> str:
    """Why a model has no comparison, as far as a speed of either tells."""
    speeds = [view.speeds.get((column, where)) for column in pair if where is not None]
    return next((speed.verdict for speed in speeds if speed and (speed.unlike or speed.is_out)), "")


def _cell(gain: Gain | None, reason: str) -> Text:
    if gain is None:
        return [Span(reason, "small")] if reason else words.ABSENT
    bounds = "" if gain.low is None or gain.high is None else words.span(gain.low, gain.high)
    disturbed = Span("disturbed" if gain.disturbed else "", "small")
    return spaced(
        [Span(words.ratio(gain.ratio), "strong"), Span(bounds, "small"), Span(gain.verdict, _look(gain)), disturbed]
    )


def _look(gain: Gain) -> str:
    return {"faster": "status good", "slower": "status bad"}.get(gain.verdict, "small")


def _named(contender: Contender) -> Text:
    return [contender.name, " ", Span(f"{_keras(contender)}, {month(contender.released)}", "small")]


def _keras(contender: Contender) -> str:
    return words.keras_name(str(contender.identity["keras_version"] or ""))


def _wheres(line: Timeline) -> list[Where]:
    """Overall, where there are several models, then each."""
    return [*([None] if len(line.lines) > 1 else []), *line.lines]


def _heads(view: View, line: Timeline, *first: str) -> list[Column]:
    """The named columns, then overall and the models."""
    titles = ["overall" if where is None else view.layout.tasks[where].title for where in _wheres(line)]
    named = [Column(title, heads=number == 0) for number, title in enumerate(first)]
    return [*named, *(Column(title, number=True) for title in titles)]
