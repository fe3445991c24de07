"""How sure the answer is: a word, why, and the command that would settle it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import ClassVar

from orchestrator.report import disturbed, words
from orchestrator.report.answer.ranking import Entry, Field, Ranking
from orchestrator.report.answer.sentences import names
from orchestrator.report.answer.table import verdict
from orchestrator.report.blocks import Block
from orchestrator.report.view import View
from orchestrator.stats import disturbance
from orchestrator.stats.inference import ENOUGH, repeats_to_tell
from orchestrator.stats.overall import repeats_needed
from orchestrator.stats.repeats import TRAIN
from orchestrator.text import listed, plural

#: From the least sure on.
WORDS = ("Not yet", "Fairly sure", "Sure")
#: The most repeats that anybody is advised to run.
MOST = 50


class Sure(Block, frozen=True):
    """The line "How sure?": a word of WORDS, the reasons, and a command with what it is for ("" for none)."""

    kind: ClassVar[str] = "sure"
    word: str
    why: Sequence[str]
    what_for: str = ""
    command: str = ""

    @property
    def level(self) -> int:
        return WORDS.index(self.word)


def sure(view: View, found: Sequence[Field]) -> Sure | None:
    """None where nothing is compared, so that there is nothing to be sure of."""
    judged = [field for field in found if len(field.overall.compared) > 1]
    if not judged:
        return None
    limits = list(_limits(view))
    levels = [_level(field.overall, bool(limits)) for field in judged]
    why = [*_repeats(view, judged), *limits]
    needed = [_needed(view, field) for field in judged if len(field.overall.leaders) > 1 or field.overall.repeats < 2]
    if needed:
        known = [number for number in needed if number]
        what_for = "For a verdict" if len(known) == len(needed) else ""
        command = again(view.report.asked or view.report.plan_command, max(known)) if what_for else ""
        if not what_for:
            why.append(f"more than {MOST} repeats would be needed")
        return Sure(word=WORDS[min(levels)], why=why, what_for=what_for, command=command)
    beside = limits and any(text for text in _noise(view))
    what_for, command = ("On an idle machine", view.report.plan_command) if beside else ("", "")
    return Sure(word=WORDS[min(levels)], why=why, what_for=what_for, command=command)


def _level(ranking: Ranking, limited: bool) -> int:
    """0 where the first is not known, 1 where it is, or where it is known that several lead, with a doubt."""
    if len(ranking.leaders) > 1 or ranking.repeats < 2:
        return 1 if ranking.repeats >= ENOUGH else 0
    return 1 if limited or ranking.repeats < ENOUGH else 2


def _repeats(view: View, judged: Sequence[Field]) -> Iterator[str]:
    """How many repeats there are, and what they cannot tell."""
    speeds = [view.speeds[place] for field in judged for place in _places(field) if place in view.speeds]
    counts = sorted({len(speed.epochs) for speed in speeds})
    if counts[-1] < 2:
        yield "one repeat each: a second run can order close ones differently"
        return
    fewest, most = words.count(counts[0]), words.count(counts[-1])
    yield f"{fewest} repeats each" if len(counts) == 1 else f"{fewest} to {most} repeats each"
    open_ = [
        f"{_tied(view, field)}{f' ({field.where})' if field.where else ''}" for field in judged if _tied(view, field)
    ]
    if open_:
        few = counts[0] < ENOUGH
        yield f"{'too few' if few else 'they cannot'} {'to ' if few else ''}tell {'; '.join(open_[:2])} apart"
    cells = [verdict(view.speeds.get(place)) for field in judged for place in _places(field)]
    unclear = sum(cell in ("tied", "unsure") for cell in cells)
    if unclear:
        behind = sum(cell not in ("none", "best") for cell in cells)
        yield f"{unclear} of {plural(behind, 'slower cell')} not told from the fastest"


def _places(field: Field) -> Iterator[tuple[int, int]]:
    return ((entry.column, line) for entry in field.overall.entries for line in field.lines)


def _tied(view: View, field: Field) -> str:
    leaders = field.overall.leaders
    if len(leaders) < 2:
        return ""
    told = names(view.layout, field)
    return listed([told[entry.column] for entry in leaders[:3]]) if len(leaders) < 4 else f"{len(leaders)} contenders"


def _limits(view: View) -> Iterator[str]:
    """What else limits the answer: disturbances first."""
    yield from _noise(view)
    rows = [row for row in view.rows if row["status"] == "ok"]
    synthetic = sum(row.get("data_kind") == "synthetic" for row in rows)
    if synthetic:
        some = "" if synthetic == len(rows) else f" in {synthetic} of {plural(len(rows), 'job')}"
        yield f"synthetic data{some}"


def _noise(view: View) -> Iterator[str]:
    rows = [row for row in view.rows if row["status"] == "ok"]
    beside = disturbed.beside_brief(rows)
    if beside:
        yield beside
    hit = disturbance.disturbed(rows)
    if hit:
        yield f"{plural(len(hit), 'job')} of {len(rows)} disturbed while measured"
    asleep = sum(bool(row.get("slept")) for row in rows)
    if asleep:
        when = "steady epochs" if view.mode == TRAIN else "timed calls"
        yield f"{plural(asleep, 'job')} of {len(rows)} slept in {when}"


def _needed(view: View, field: Field) -> int | None:
    """The repeats that would tell the first from those that are not told from it now; None for too many."""
    ranking = field.overall
    if ranking.repeats < 2:
        return ENOUGH
    found = [_repeats_of(view, ranking, entry) for entry in ranking.leaders[1:]]
    known = [number for number in found if number]
    return max(ENOUGH, ranking.repeats + 1, *known) if len(known) == len(found) else None


def _repeats_of(view: View, ranking: Ranking, entry: Entry) -> int | None:
    if len(ranking.counted) == 1 and entry.against:
        cells = [view.speeds[column, ranking.counted[0]] for column in (ranking.entries[0].column, entry.column)]
        return repeats_to_tell(cells[0].repeats, cells[1].repeats, MOST)
    return repeats_needed(entry.against, MOST) if entry.against else None


def again(command: str, repeats: int) -> str:
    """The commands on record, each with so many repeats; only the option where a replay was made, which has none."""
    option = ["--repeats", str(repeats)]
    if not command or " replay " in command:
        return shlex.join(option)
    try:
        parts = [_without_repeats(shlex.split(part)) for part in command.split(" && ")]
    except ValueError:  # the command of a stranger's plan
        return shlex.join(option)
    return " && ".join(shlex.join([*part, *option]) for part in parts)


def _without_repeats(words_: Sequence[str]) -> list[str]:
    found: list[str] = []
    skip = False
    for word in words_:
        if not skip and word != "--repeats" and not word.startswith("--repeats="):
            found.append(word)
        skip = word == "--repeats"
    return found
