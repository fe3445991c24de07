"""The answer in words, for the page, terminals and programs: its sentences, how sure it is, what would settle it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import Noun
from orchestrator.report import words
from orchestrator.report.answer.keras_cost import summary
from orchestrator.report.answer.ranking import Field, fields
from orchestrator.report.answer.sentences import LEAST, Sentence, further, lead
from orchestrator.report.answer.settings import BestValue, best_values
from orchestrator.report.answer.sure import sure
from orchestrator.report.blocks import Span
from orchestrator.report.swept import sweeps
from orchestrator.report.swept_in_words import overall
from orchestrator.report.view import View

#: Workloads with varied settings of which the first screen has a sentence.
MOST_SWEPT = 3


class Conclusion(Noun, frozen=True, kw_only=True):
    """Who is fastest overall, as plain text.

    `sure`: "Not yet", "Fairly sure" or "Sure", and `why`; "" where nothing is compared. `command` would settle it, and
    `what_for` says so; "" where there is nothing to settle.
    """

    sentences: list[str]
    sure: str = ""
    why: list[str] = []
    what_for: str = ""
    command: str = ""
    #: Of a run that varies settings: the best value of each contender.
    settings: list[BestValue] = []


def conclude(view: View) -> Conclusion:
    """What the first screen of the report says of these rows."""
    found = fields(view.layout, view.speeds)
    said = [plain(sentence) for sentence in sentences(view, found)]
    doubt = sure(view, found)
    settings = list(best_values(view.layout, sweeps(view.layout, view.speeds)))
    if doubt is None:
        return Conclusion(sentences=said, settings=settings)
    return Conclusion(
        sentences=said,
        sure=doubt.word,
        why=list(doubt.why),
        what_for=doubt.what_for,
        command=doubt.command,
        settings=settings,
    )


def sentences(view: View, found: Sequence[Field]) -> list[Sentence]:
    """First what varied settings give. Then who leads: of one field with what follows, of several a line for each.

    Last what Keras costs, where its libraries ran without it, too.
    """
    swept = list(filter(None, (overall(view.layout, sweep) for sweep in sweeps(view.layout, view.speeds))))
    alone = swept and all(len(field.overall.entries) < 2 for field in found)  # there is nobody to lead
    cost: list[Sentence] = [[text] for text in [summary(view)] if text]
    return [*_few(swept), *([] if alone else _leads(view, found)), *cost]


def _few(swept: Sequence[Sentence]) -> list[Sentence]:
    """The first of the sentences on varied settings; the section has them all."""
    if len(swept) <= MOST_SWEPT:
        return [*swept]
    return [*swept[:MOST_SWEPT], [f"Of {len(swept) - MOST_SWEPT} more the section Sweeps tells."]]


def _leads(view: View, found: Sequence[Field]) -> list[Sentence]:
    if len(found) == 1:
        return [lead(view.layout, view.speeds, found[0]), *further(view.layout, view.speeds, found[0])]
    return [*_everywhere(view, found), *_lines(view, found)]


def _everywhere(view: View, found: Sequence[Field]) -> Iterator[Sentence]:
    """That one contender leads each group, where it does."""
    leads = [[view.layout.contenders[entry.column].name for entry in field.overall.leaders] for field in found]
    if leads and all(len(names) == 1 for names in leads) and len({names[0] for names in leads}) == 1:
        yield [Span(leads[0][0], "strong"), f" {LEAST[view.mode][0]} in all {words.count(len(found))} tables."]


def _lines(view: View, found: Sequence[Field]) -> Iterator[Sentence]:
    for field in found:
        yield [Span(field.where, "strong"), ": ", *lead(view.layout, view.speeds, field)]


def plain(sentence: Sentence) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in sentence)
