"""What the command line prints: JSON documents, tables for a terminal, closing lines, exit codes."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator import streams
from orchestrator.cli.console import say, tell, tell_document
from orchestrator.cli.tables import Column, figures, paragraph, tables, width
from orchestrator.model import NOT_RUN, PENDING, OwnFile, Plan, Row, to_json
from orchestrator.results.folder import RunFolder
from orchestrator.results.own_figures import for_programs
from orchestrator.run import stranger
from orchestrator.run.session import Finished
from orchestrator.run.stranger import Part
from orchestrator.stats.sweeps import judged, of_rows
from orchestrator.text import capfirst, plural, printable, public

if TYPE_CHECKING:
    from orchestrator.report.answer.conclusion import Conclusion
    from orchestrator.report.standings import Group


#: Makes the lines of an overview.
Overview = Callable[[], Sequence[str]]


def print_json(value: Any) -> None:
    """The one JSON document that `--json` puts on standard output."""
    sys.stdout.buffer.write(to_json(value))
    sys.stdout.buffer.flush()


def print_document(path: Path) -> None:
    """The same, from the file that has it already, however large it is."""
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def print_standing(folder: RunFolder, standing: Mapping[str, int]) -> None:
    """Where the jobs of a run stand that goes on without us, and how to come back to it."""
    say(", ".join(f"{n} {where}" for where, n in standing.items()))
    tell(f"orchestrate attach {folder.path}")


def print_plan(plan: Plan, commands: Mapping[str, list[str]], as_json: bool, whole: Overview | None = None) -> int:
    """The `whole` overview, or every job with its command, and what is not to be run. Gives the exit code of a run."""
    code = exit_code([skip.status for skip in plan.skipped]) if not plan.jobs else 0
    if as_json:
        jobs = [{"id": j.id, **msgspec.to_builtins(j), "command": commands.get(j.id, [])} for j in plan.planned]
        print_json({"jobs": jobs})
        return code
    for line in whole() if whole else ():
        tell(line)
    if whole:
        return code
    for name, file in plan.own.items():
        tell(f"# {name}: {_file_in_words(file, bool(plan.config.get('network')))}")
    for job in plan.jobs:
        tell(f"# {job.id}")
        tell(shlex.join(commands[job.id]))
    for skip in plan.skipped:
        tell(f"# {skip.job.id}: {skip.status}, {skip.reason}")
    say(f"{plural(len(plan.planned), 'job')}, {len(plan.skipped)} of them not to be run")
    return code


def _file_in_words(file: OwnFile, network: bool) -> str:
    """`the script /home/me/my.py, as it stands; with pandas==2.2.3; network closed`."""
    how = "as it stands" if file.contract == "script" else "by its build() and data()"
    packages = [f"with {printable(', '.join(file.packages))}"] if file.packages else []
    parts = [f"the {file.contract} {shlex.quote(printable(file.path))}, {how}", *packages]
    return "; ".join([*parts, f"network {'allowed' if network else 'closed'}"])


def print_parts(why: str, found: list[Part], differing: Sequence[str], as_json: bool) -> None:
    """Whose a recorded run is, what it would have started, opened or used, and what is known to differ here."""
    if as_json:
        print_json({"yours": not why, "why": why, "parts": found, "differences": list(differing)})
        return
    tell(f"not a run of yours: {why}; each of these starts only where you name it" if why else "a run of yours")
    for line in stranger.lines(found):
        tell(line)
    for line in differing:
        tell(f"not the same: {line}")


def print_rows(finished: Finished, as_json: bool) -> None:
    """The result rows and who is fastest: as one JSON document, or as a summary for people.

    They are on record, whoever reads this.
    """
    if as_json:
        cells = [cell for group in finished.standings for cell in group.cells]
        print_json({"results": for_programs(finished.rows), "cells": cells, "answer": finished.conclusion})
    else:
        columns = width()
        tell_document(text_summary(finished.standings, columns, finished.conclusion))
        tell_document("\n".join(closing_lines(finished, columns)))
    loss = streams.take_loss()
    if loss:
        say(f"standard output could not be written: {loss}; the same is in {finished.out}")


def end(finished: Finished, as_json: bool) -> int:
    """Prints how a run ended and gives the exit code. Raises what broke, once the rows are told."""
    print_rows(finished, as_json)
    if finished.broken is not None:
        raise finished.broken
    return exit_code(judged(of_rows(finished.rows)), finished.interrupted)


def exit_code(statuses: Sequence[str], interrupted: bool = False) -> int:
    """0 every job ok (or not meant to run here), 1 some job failed, 3 nothing can run here, 130 stopped by the user."""
    if interrupted:
        return 130
    if "unsupported" in statuses and set(statuses) <= NOT_RUN:
        return 3
    return 0 if set(statuses) <= {"ok", *NOT_RUN} else 1


#: Columns of the summary.
SUMMARY = (
    Column("contender"),
    Column("s/epoch", "figure"),
    Column("of fastest", "figure"),
    Column("verdict", "words"),
)
#: By what was timed: what its figures are called, and are.
UNITS = {
    "train": ("s/epoch", "training seconds per epoch after the first"),
    "predict": ("ms/call", "milliseconds of a call with one sample, by the fastest way of calling that a backend has"),
    "generate": ("ms/token", "milliseconds of a token, by the faster way of calling that a backend has"),
}
SUMMARY_TITLE = "{}, median over repeats; the fastest of each group leads"


def text_summary(standings: Sequence[Group], columns: int, conclusion: Conclusion | None = None) -> str:
    """Each task and machine with its contenders below it, as the report ranks and judges them; then its answer."""
    unit, meaning = UNITS[standings[0].mode if standings else "train"]
    text = paragraph(SUMMARY_TITLE.format(meaning), columns)
    heads = [Column(unit, "figure") if column.head == "s/epoch" else column for column in SUMMARY]
    for group, lines in zip(standings, tables(heads, [_rows(group) for group in standings], columns), strict=True):
        data = ", synthetic data" if group.synthetic else ""
        text += ["", *paragraph(f"{group.subject}: {group.amounts}{data}", columns)]
        for note in group.notes:
            text += paragraph(note, columns, "  ")
        text += lines
    answer = ["", *_answer(conclusion, columns)] if conclusion else []
    return "\n".join([*text, *answer, ""])


def _answer(found: Conclusion, columns: int) -> Iterator[str]:
    """The sentences of the report's first screen. The command stays whole, to be copied."""
    for sentence in found.sentences:
        yield from paragraph(sentence, columns)
    if found.sure:
        yield from paragraph(f"How sure? {found.sure}. {capfirst('; '.join(found.why))}.", columns)
    if found.command:
        yield from [f"{found.what_for}:", f"  {printable(found.command)}"]


def _rows(group: Group) -> list[list[str]]:
    """The cells of one task, with seconds and ratios of one number of decimals each."""
    from orchestrator.report.standings import in_words  # imported here because it loads numpy

    told = [in_words(cell) for cell in group.cells]
    known = figures(cell.ratio if words[1] else None for cell, words in zip(group.cells, told, strict=True))
    scale = 1 if group.mode == "train" else 1000
    seconds = figures(None if cell.seconds is None else scale * cell.seconds for cell in group.cells)
    return [
        [cell.contender, took, f"{ratio}×" if ratio else "", words[-1]]
        for cell, took, ratio, words in zip(group.cells, seconds, known, told, strict=True)
    ]


def closing_lines(finished: Finished, columns: int) -> list[str]:
    """The last words of a run: how many jobs are ok, what failed and why, what was left out, where the report is."""
    rows = finished.rows
    meant = [row for row in rows if row["status"] not in NOT_RUN]
    said = [f"{sum(row['status'] == 'ok' for row in meant)} of {len(meant)} jobs ok", *finished.disturbances]
    lines = [line for text in said for line in paragraph(text, columns)]
    reasons: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["status"] != "ok":
            reasons.setdefault((row["status"], row["reason"]), []).append(row)
    for (status, reason), affected in reasons.items():
        names = sorted({row["stack"] if status == "unsupported" else finished.called(row) for row in affected})
        shown = "; ".join(names[:4]) + ("; ..." if len(names) > 4 else "")
        text = f"{len(affected)} {'waiting' if status == PENDING else status}: {shown}: {public(reason)}"
        lines += paragraph(text, columns, "  ")
    if any(row["data_kind"] == "synthetic" and row["status"] == "ok" for row in rows):
        lines += paragraph("SYNTHETIC data was used: accuracies say nothing about the real data sets.", columns)
    return [*lines, f"report: {printable(str(finished.out / 'report.html'))}"]
