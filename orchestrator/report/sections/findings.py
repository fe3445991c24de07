"""What the run showed: a sentence for each task, and the speeds that it rests on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from orchestrator.model import Row
from orchestrator.report import disturbed, words
from orchestrator.report.blocks import Cell, Matrix, Paragraphs, Section, Span, Text
from orchestrator.report.layout import Contender, Layout
from orchestrator.report.outcomes import counted, word
from orchestrator.report.speeds import Speed, Speeds, why_none
from orchestrator.report.view import View
from orchestrator.stats.inference import repeats_to_tell
from orchestrator.text import listed

#: Repeats that give a first verdict, and the most that anybody is advised to run.
FEWEST, MOST = 5, 50
#: A contender and its speed at one task.
Place = tuple[Contender, Speed]
NOTE = (
    "Median training seconds per epoch, validation apart, without the first epoch; bold is the fastest of its "
    "row on the same device. Small print: times the fastest · training samples per second; the range of those "
    "epochs; n = epochs × repeats. ≈ means no significant difference to the fastest; with one repeat, that its "
    "range meets the fastest one's."
)


def build(view: View) -> Section:
    found = findings(view.layout, view.speeds)
    sentences: list[Text] = [["On ", Span(subject, "strong"), f", {sentence}"] for subject, sentence in found]
    summary = (
        Paragraphs(sentences, "points")
        if found
        else Paragraphs(["No job gave a steady speed, so there is nothing to compare."])
    )
    blocks = [summary, *_settling(view), speed_matrix(view.layout, view.speeds)]
    return Section(name="findings", title="What was found", blocks=blocks, menu="Findings")


def findings(layout: Layout, ranked: Speeds) -> list[tuple[str, str]]:
    """(subject, sentence about it) for each task and machine on which anything was measured."""
    sentences = []
    for (line, task), (machine, columns) in itertools.product(enumerate(layout.tasks), layout.machines().items()):
        places = [(layout.contenders[c], ranked[c, line]) for c in columns if (c, line) in ranked]
        if places:
            data = " with synthetic data" if task.synthetic and "synthetic" not in task.label else ""
            where = layout.machine_words(machine)
            said = f"there is no verdict: {task.unlike.words}." if task.unlike else _sentence(places)
            sentences.append((f"{task.label}{f' ({where})' if where else ''}{data}", said))
    return sentences


def _settling(view: View) -> Iterator[Paragraphs]:
    """For files of one's own: what would settle which contender is fastest, where that is open."""
    layout, open_in, repeats = view.layout, dict[str, list[str]](), 0
    for (line, task), columns in itertools.product(enumerate(layout.tasks), layout.machines().values()):
        known = [view.speeds[column, line] for column in columns if (column, line) in view.speeds]
        text = _open(known) if task.file else ""
        if text:
            open_in.setdefault(text, []).append(task.label)
            repeats = max(repeats, _needed(known) or 0)
    texts = [f"{listed(labels)}: {text}" for text, labels in open_in.items()]
    if repeats:
        yield Paragraphs([("; ".join(texts), _again(view.report.plan_command, repeats))], "code")
    elif texts:
        yield Paragraphs(texts)


def _open(known: Sequence[Speed]) -> str:
    """What is open between the fastest of a task and the others, "" for nothing."""
    others = [speed for speed in known if speed.against is not None and not speed.unlearned]
    if any(speed.against and speed.against.p is None for speed in others):
        return f"one repeat is no verdict; {FEWEST} repeats would give one"
    if not any(speed.overlaps for speed in others):
        return ""
    needed = _needed(known)
    if needed is None:
        return f"those without a significant difference are too close for {MOST} repeats to tell apart"
    return f"about {needed} repeats would settle it, if spread and difference stay as they are"


def _needed(known: Sequence[Speed]) -> int | None:
    """The repeats that would tell the fastest from those that are not told from it now; None for too many."""
    if any(speed.against and speed.against.p is None for speed in known):
        return FEWEST
    best = next(speed for speed in known if speed.best)
    needed = [repeats_to_tell(best.repeats, speed.repeats, MOST) for speed in known if speed.overlaps]
    more = max(len(speed.epochs) for speed in known) + 1  # so many did not
    return max(FEWEST, more, *(n for n in needed if n)) if needed and all(needed) else None


def _again(command: str, repeats: int) -> str:
    """The run's command with the repeats that would settle it; of several runs only the option."""
    option = f"--repeats {repeats}"
    if not command or " && " in command or " replay " in command:
        return option
    without = re.sub(r" --repeats[ =]\d+", "", command)
    return f"{without} {option}"


def _sentence(places: Sequence[Place]) -> str:
    able = [place for place in places if not place[1].unlearned]
    if not able:
        return "no model learned, so no speed counts."
    if len(places) == 1:
        contender, speed = places[0]
        return f"only {contender.label} gave a speed: {words.seconds(speed.seconds)} per epoch."
    (winner, speed), *others = sorted(able, key=lambda place: (not place[1].best, place[1].seconds))
    if not others:
        return f"{winner.label} was fastest: {words.seconds(speed.seconds)} per epoch; no other model learned."
    said = [("next", others[0]), *_other_era(winner, others), ("slowest", others[-1])]
    once = {who.label: (word, who, its) for word, (who, its) in reversed(said)}
    behind = ", ".join(
        f"{word} {who.label} ({words.ratio(its.ratio or 1)}{_by(its)})"
        for word, who, its in reversed(list(once.values()))
    )
    text = f"{winner.label} was fastest: {words.seconds(speed.seconds)} per epoch; {behind}."
    return text + _unclear(others) + _rests_on(places)


def _other_era(winner: Contender, others: Sequence[Place]) -> list[tuple[str, Place]]:
    """The fastest of the era that did not win, where both eras ran."""
    rivals = [place for place in others if {place[0].era, winner.era} == {"2017", "today"}]
    return [(f"best of {rivals[0][0].era}", rivals[0])] if rivals else []


def _by(speed: Speed) -> str:
    """`, slower by 12.1-15.0 %`: how sure the ratio is, where a test says that it is one."""
    found = speed.against
    return f", {found.words}" if found and found.significant and not speed.torn else ""


def _unclear(others: Sequence[Place]) -> str:
    close = [(contender.label, speed) for contender, speed in others if speed.overlaps]
    tested = [label for label, speed in close if speed.against and speed.against.p is not None]
    met = [label for label, _ in close if label not in tested]
    text = f" No significant difference between it and {listed(tested)}." if tested else ""
    if met:
        text += f" The range of {listed(met)} meets the fastest one's: no clear difference."
    return text


def _rests_on(places: Sequence[Place]) -> str:
    """A verdict is worth no more than the figures that it rests on."""
    hit = [who.label for who, its in places if its.disturbed]
    return f" This rests on disturbed figures: {listed(hit)}." if hit else ""


def speed_matrix(layout: Layout, ranked: Speeds) -> Matrix:
    slowest = [0.0] * len(layout.tasks)
    for (_, line), speed in ranked.items():
        slowest[line] = max(slowest[line], speed.seconds)

    def cell(column: int, line: int) -> Cell | None:
        rows = layout.cells.get((column, line))
        return None if rows is None else _speed_cell(rows, ranked.get((column, line)), slowest[line])

    return Matrix("speed", "Seconds per epoch", NOTE, layout.grid(cell))


def _speed_cell(rows: Sequence[Row], speed: Speed | None, slowest: float) -> Cell:
    if speed is None:
        marks = _marks(rows, alone=True)
        return Cell(marks=marks) if marks else Cell(words.ABSENT, [why_none(rows)])
    rate = None if speed.samples_per_s is None else f"{words.figure(speed.samples_per_s)}/s"
    several = sum(speed.epochs) > 1
    lines = [
        " · ".join(filter(None, [_rank(speed), rate])),
        *([words.span(speed.low, speed.high)] if several else []),
        speed.n,
    ]
    return Cell(
        figure=words.seconds(speed.seconds),
        lines=lines,
        best=speed.best,
        unlearned=speed.unlearned is not None,
        bar=speed.seconds / slowest if slowest else None,
        marks=[*_marks(rows), *disturbed.marks(rows)],
    )


def _rank(speed: Speed) -> str:
    if speed.unlike or speed.unlearned or speed.best:
        return speed.verdict
    if speed.ratio is None:
        return ""
    return f"{'≈ ' if speed.overlaps else ''}{words.ratio(speed.ratio)}"


def _marks(rows: Sequence[Row], alone: bool = False) -> list[Span]:
    """The statuses of jobs that did not end well, with their numbers; one that stands alone needs none."""
    statuses = [str(row["status"]) for row in rows if row["status"] != "ok"]
    counts = {status: statuses.count(status) for status in statuses}
    return [
        counted(status, word(status) if alone and count == 1 else f"{word(status)} ×{count}")
        for status, count in counts.items()
    ]
