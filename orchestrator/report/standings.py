"""Who is fastest, as data: the cells of a report in order of speed with their verdicts, for terminals and programs.

Layout, speeds, quality gate, labels and verdicts are those of the page; nothing is worked out again here.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from orchestrator.model import Noun, Row
from orchestrator.report import disturbed, words
from orchestrator.report.layout import Layout
from orchestrator.report.outcomes import word
from orchestrator.report.speeds import Speed, Speeds, why_none
from orchestrator.report.view import View
from orchestrator.stats.repeats import TRAIN


class Standing(Noun, frozen=True, kw_only=True):
    """One cell: steady seconds per epoch (median over repeats), their range, and how it stands to the fastest.

    `ratio` is times the seconds of the fastest; None where it has no rival, or where none counts. `seconds` is None
    for a cell without a time that counts, and `statuses` says how many of its jobs ended how.
    """

    workload: str
    task: str
    machine: str
    contender: str
    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    repeats: int = 0
    fastest: bool = False
    learned: bool = True
    #: Why no cell of its task is compared, with the numbers of each contender; "" where they are.
    unlike: str = ""
    ratio: float | None = None
    verdict: str
    #: What disturbed its jobs, or that they slept: `disturbed 48 %`.
    marks: list[str] = []
    p: float | None = None
    statuses: dict[str, int]


class Group(Noun, frozen=True, kw_only=True):
    """The cells whose speeds may be compared: one task on one machine. The fastest comes first."""

    subject: str
    amounts: str
    #: What was timed: training, calls or tokens.
    mode: str = TRAIN
    synthetic: bool
    #: What a reader must know first: why there is no verdict, or what else is not equal.
    notes: list[str] = []
    cells: list[Standing]


def standings(view: View) -> list[Group]:
    """Each task and machine with planned jobs, in the order of the report."""
    return groups(view.layout, view.speeds)


def groups(layout: Layout, ranked: Speeds) -> list[Group]:
    found = []
    for (line, task), (machine, columns) in itertools.product(enumerate(layout.tasks), layout.machines.items()):
        places = [(column, line) for column in columns if (column, line) in layout.cells]
        if not places:
            continue
        words_of_machine = layout.machine_words(machine)
        names: dict[str, Any] = {"workload": task.workload, "task": task.label, "machine": words_of_machine}
        names["unlike"] = task.unlike.words if task.unlike else ""
        cells = [_standing(layout, place, ranked.get(place), names) for place in places]
        found.append(
            Group(
                subject=f"{task.label} ({words_of_machine})" if words_of_machine else task.label,
                amounts=task.amounts,
                mode=task.mode,
                synthetic=task.synthetic,
                notes=[*([f"no verdict: {task.unlike.words}"] if task.unlike else []), *task.notes],
                cells=sorted(cells, key=_order),
            )
        )
    return found


def _standing(layout: Layout, place: tuple[int, int], speed: Speed | None, names: dict[str, Any]) -> Standing:
    contender = layout.contenders[place[0]].label
    statuses = dict(Counter(str(row["status"]) for row in layout.cells[place]))
    if speed is None:
        return Standing(
            **names, contender=contender, verdict=_without(layout.cells[place], statuses), statuses=statuses
        )
    found = speed.against
    fields: dict[str, Any] = {name: getattr(speed, name) for name in ("seconds", "low", "high", "ratio")}
    return Standing(
        **names,
        **fields,
        contender=contender,
        repeats=len(speed.epochs),
        fastest=speed.best,
        learned=speed.unlearned is None,
        verdict=speed.verdict,
        marks=[span.text for span in disturbed.marks(layout.cells[place])],
        p=None if found is None else found.p if found.p_adjusted is None else found.p_adjusted,
        statuses=statuses,
    )


def _without(rows: Sequence[Row], statuses: dict[str, int]) -> str:
    """Why a cell has no time that counts."""
    if set(statuses) != {"ok"}:
        alone = len(rows) == 1
        return ", ".join(word(status) if alone else f"{count} {word(status)}" for status, count in statuses.items())
    return why_none(rows)


def _order(cell: Standing) -> tuple[bool, bool, float, str]:
    return (cell.seconds is None, not cell.learned, cell.seconds or 0.0, cell.contender)


def in_words(cell: Standing) -> tuple[str, str, str]:
    """(seconds, times the fastest, verdict), as a terminal shows them."""
    bad = {status: count for status, count in cell.statuses.items() if status != "ok"}
    others = [f"{count} {word(status)}" for status, count in bad.items()] if cell.seconds is not None else []
    ratio = "" if cell.ratio is None or cell.fastest or not cell.learned else words.ratio(cell.ratio)
    return words.seconds(cell.seconds), ratio, ", ".join(filter(None, [cell.verdict, *cell.marks, *others]))
