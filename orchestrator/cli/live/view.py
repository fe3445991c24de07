"""Draws a board as lines for a terminal of a given size: figures so far, running jobs, a bar and the time left."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from orchestrator.cli.live import words
from orchestrator.cli.live.board import FAILED, OK, RUNNING, WAITING, Board, Running
from orchestrator.text import duration, plural, printable

#: A letter of its own for each state: colours may be off, or not be told apart.
BAR = {OK: ("━", "green"), FAILED: ("x", "red"), RUNNING: (">", "cyan"), WAITING: ("·", "dim")}
GAP, CUT = "  ", "…"
#: A name is never cut to less than this for the sake of a further column.
LEAST_NAME = 24
#: Lines above the display that finished jobs keep for themselves.
SPARED = 4
SAID = {"s/epoch": "seconds per epoch", "ms/call": "milliseconds per call", "ms/token": "milliseconds per token"}
HEADS = ("running", "for", "epoch", "s/epoch", "left")


def lines(board: Board, width: int, height: int) -> list[Text]:
    """The whole display, no line longer than `width` and no more than fit in `height`, the last ones first of all."""
    foot = [bar(board, width), counts(board, width)]
    room = height - 1 - len(foot)
    jobs = running(board, width, room)
    figures = matrix(board, width)
    if len(figures) > room - len(jobs) - SPARED:
        figures = []
    return [*figures, *jobs, *foot][-max(height - 1, 1) :]


def bar(board: Board, width: int) -> Text:
    """One letter for each job, or for as many as it takes; what there is has one letter at least."""
    numbers = {state: _count(board, state) for state in BAR}
    total = max(sum(numbers.values()), 1)
    size = min(width, max(total, 40))
    text = Text(no_wrap=True)
    drawn = 0
    for state, number in numbers.items():
        (letter, style), last = BAR[state], state == WAITING
        share = size - drawn if last and number else min(max(size * number // total, number > 0), size - drawn)
        text.append(letter * share, style=style)
        drawn += share
    return text


def _count(board: Board, state: str) -> int:
    return {RUNNING: len(board.running), WAITING: board.waiting}.get(state, board.counts[state])


def counts(board: Board, width: int) -> Text:
    """`11 of 15 jobs: 10 ok, 1 failed, 1 running, 3 waiting · 2 min 10 s, about 3 min left`."""
    parts = [f"{number} {state}" for state in BAR if (number := _count(board, state))]
    left = board.left()
    ahead = "" if left is None or board.planned == board.done else f", about {duration(left)} left"
    done = f"{board.done} of {plural(board.planned, 'job')}"
    time = f"{duration(board.clock() - board.began)}{ahead}"
    for text in (f"{done}: {', '.join(parts)} · {time}", f"{done} · {time}", f"{board.done}/{board.planned}{ahead}"):
        if cell_len(text) <= width:
            break
    return Text(cut(text, width), no_wrap=True)


def running(board: Board, width: int, room: int) -> list[Text]:
    """A line for each running job below a head; of more than fit, the first ones, and how many others there are."""
    jobs = list(board.running.values())
    shown = jobs if len(jobs) < room else jobs[: max(room - 2, 0)]
    if not shown:
        return []
    rows = [_row(board, job) for job in shown]
    others = [Text(f"and {len(jobs) - len(shown)} more", "dim")] if len(shown) < len(jobs) else []
    return [*_table([HEADS, *rows], width), *others]


def _row(board: Board, job: Running) -> tuple[str, ...]:
    now = board.clock()
    left = job.left(board.usual(job.job), now)
    at = job.at() or job.words
    return (
        Text.from_markup(job.name).plain,
        duration(now - job.began),
        at if len(at) <= LEAST_NAME else at[: LEAST_NAME - 1] + CUT,
        "" if job.pace is None else words.figure(job.pace),
        "" if left is None else duration(left),
    )


def matrix(board: Board, width: int) -> list[Text]:
    """The figures so far: models by contenders, or the other way round; nothing where neither fits."""
    if not board.paces:
        return []
    models, contenders = (sorted({place[i] for place in list(board.places)}) for i in (0, 1))
    title = Text(cut(f"{SAID[board.unit]} so far", width), "dim", no_wrap=True)
    down = [["", *models], *([c, *(_cell(board, m, c) for m in models)] for c in contenders)]
    across = [list(column) for column in zip(*down, strict=True)]
    for rows in (down, across):
        if _needed(rows) <= width:
            return [title, *_table(rows, width)]
    return []


def _cell(board: Board, model: str, contender: str) -> str:
    """The figure of a cell so far, else how it stands; "" where there is none."""
    cells = board.places.get((model, contender), [])
    paces = [pace for pace in map(board.pace, cells) if pace is not None]
    if len(paces) == 1:
        return words.figure(paces[0])
    if paces:  # several stacks or devices under one name: no figure is that of all
        return f"{words.figure(min(paces))}-{words.figure(max(paces))}"
    ends = [status for cell in cells for status in board.ends.get(cell, ())]
    if ends:
        return ends[-1]
    if any(job.job.cell in cells for job in list(board.running.values())):
        return BAR[RUNNING][0]
    return BAR[WAITING][0] if cells else ""


def _needed(rows: Sequence[Sequence[str]]) -> int:
    widths = [max(map(cell_len, map(printable, column))) for column in zip(*rows, strict=True)]
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _table(rows: Sequence[Sequence[str]], width: int) -> list[Text]:
    """A head and rows, the first column flush left and cut where that is needed, the last ones left out before."""
    rows = [[printable(field) for field in row] for row in rows]
    figures = [max(map(cell_len, column)) for column in zip(*rows, strict=True)][1:]
    taken = 0
    while figures:
        taken = sum(len(GAP) + size for size in figures)
        if width - taken >= LEAST_NAME or _needed(rows) <= width:
            break
        figures.pop()
        rows = [row[:-1] for row in rows]
        taken = 0
    name = min(max(cell_len(row[0]) for row in rows), width - taken)
    drawn = []
    for row in rows:
        fields = [GAP + " " * (size - cell_len(text)) + text for text, size in zip(row[1:], figures, strict=True)]
        drawn.append(Text(set_cell_size(cut(row[0], name), name) + "".join(fields), no_wrap=True))
    drawn[0].stylize("dim")
    return drawn


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, with a mark where something is missing."""
    text = printable(text)
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)) + CUT
