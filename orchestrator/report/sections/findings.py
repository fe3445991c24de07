"""The same model by model: a sentence for each task on each machine, folded away."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from orchestrator.report import words
from orchestrator.report.blocks import Paragraphs, Section, Span, Text
from orchestrator.report.layout import ARTICLE, Contender, Layout, last_year
from orchestrator.report.speeds import Speed, Speeds
from orchestrator.report.tasks import noun
from orchestrator.report.view import View
from orchestrator.text import listed, plural

#: A contender and its speed at one task.
Place = tuple[Contender, Speed]


def build(view: View) -> Section | None:
    found = findings(view.layout, view.speeds)
    if not found:
        return None
    texts: list[Text] = [["On ", Span(subject, "strong"), f", {sentence}"] for subject, sentence in found]
    what = noun(view.layout.tasks)
    fold = f"{plural(len(texts), 'sentence')}, one for each {what}"
    blocks = [Paragraphs(texts, "bullets", fold=fold)]
    return Section(name="findings", title=f"{what.capitalize()} by {what}", blocks=blocks)


def findings(layout: Layout, ranked: Speeds) -> list[tuple[str, str]]:
    """(subject, sentence about it) for each task and machine on which anything was measured."""
    sentences = []
    for (line, task), (machine, columns) in itertools.product(enumerate(layout.tasks), layout.machines.items()):
        places = [(layout.contenders[c], ranked[c, line]) for c in columns if (c, line) in ranked]
        if places:
            data = " with synthetic data" if task.synthetic and "synthetic" not in task.label else ""
            where = layout.machine_words(machine)
            said = f"there is no verdict: {task.unlike.words}." if task.unlike else _sentence(places, task.about.unit)
            sentences.append((f"{task.label}{f' ({where})' if where else ''}{data}", said))
    return sentences


def _sentence(places: Sequence[Place], unit: str) -> str:
    able = [place for place in places if not place[1].is_out]
    learned = any(not speed.unlearned for _, speed in places)
    if not able:
        return "no speed counts: no job got what was asked." if learned else "no model learned, so no speed counts."
    if len(places) == 1:
        contender, speed = places[0]
        return f"only {contender.label} gave a speed: {words.seconds(speed.seconds)} per epoch."
    (winner, speed), *others = sorted(able, key=lambda place: (not place[1].best, place[1].seconds))
    text = f"{winner.label} took least time: {words.seconds(speed.seconds)} per epoch{_rate(speed, unit)}"
    if not others:
        return f"{text}; no other {'speed counts' if any(its.otherwise for _, its in places) else 'model learned'}."
    said = [("next", others[0]), *_article_or_now(winner, others), ("slowest", others[-1])]
    once = {who.label: (word, who, its) for word, (who, its) in reversed(said)}
    behind = [f"{word} {_behind(who, its)}" for word, who, its in reversed(list(once.values()))]
    return " ".join([f"{'; '.join([text, *behind])}.", *_unclear(others), *_rests_on(places)])


def _article_or_now(winner: Contender, others: Sequence[Place]) -> list[tuple[str, Place]]:
    """The best of the newest where one of the article's won, and the other way round."""
    year = last_year([winner, *(who for who, _ in others)])
    if not year or not (winner.article or winner.year == year):
        return []
    rivals = [place for place in others if (place[0].year == year if winner.article else place[0].article)]
    return [(f"best of {year if winner.article else ARTICLE}", rivals[0])] if rivals else []


def _rate(speed: Speed, unit: str) -> str:
    return "" if speed.samples_per_s is None else f", {words.figure(speed.samples_per_s)} {unit}/s"


def _behind(who: Contender, its: Speed) -> str:
    """`Theano 0.9.0 takes 1.2 to 1.3 times as long`, or the ratio of one repeat, which is not certain."""
    found = its.against
    certain = found is not None and found.significant and not its.torn
    if certain and found:
        return f"{who.label} {found.words}"
    return f"{who.label} ({words.ratio(its.ratio or 1)}, not certain)"


def _tested(speed: Speed) -> bool:
    return speed.against is not None and speed.against.p is not None


def _unclear(others: Sequence[Place]) -> Iterator[str]:
    """Those that a test does not tell from the fastest, and why it does not."""
    tested = [(who.label, its) for who, its in others if its.overlaps and _tested(its)]
    reasons = dict.fromkeys(its.verdict for _, its in tested)
    for reason in reasons:
        yield f"{listed([label for label, its in tested if its.verdict == reason])}: {reason}."


def _rests_on(places: Sequence[Place]) -> Iterator[str]:
    """A verdict is worth no more than the figures that it rests on."""
    hit = [who.label for who, its in places if its.disturbed]
    if hit:
        yield f"This rests on disturbed figures: {listed(hit)}."
