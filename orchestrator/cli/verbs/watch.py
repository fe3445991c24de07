"""`orchestrate watch`: a run that goes on, seen from a second terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.console import console, tell_document
from orchestrator.cli.live import view
from orchestrator.cli.live.board import FAILED, OK, Board
from orchestrator.cli.live.progress import Progress
from orchestrator.cli.options import JSON, OUT, ROOT, command
from orchestrator.cli.output import exit_code, print_json
from orchestrator.cli.tables import width
from orchestrator.plan.catalog import load_catalog
from orchestrator.results.folder import RunFolder
from orchestrator.run.follow import GOING_ON, Follower, State, ending
from orchestrator.text import plural

#: Seconds between two looks, and the share of the time that they may take: a run of many jobs is looked at less often.
EVERY_S, SHARE = 1.0, 0.02
#: Lines and columns of one view that is no display.
WIDTH, HEIGHT = 120, 10_000
STATES: dict[State, str] = {
    "goes on": "goes on",
    "away": "goes on on a cluster; `orchestrate attach` collects it",
    "elsewhere": "says that it goes on, on {host}: from here that cannot be seen",
    "killed": "was ended before it was complete; `orchestrate run --resume` goes on with it",
    "ended": "has ended",
}
CODES = {
    0: "every job is ok",
    1: "{bad} not ok",
    3: "nothing could run on this host",
    130: "its user stopped it",
}


@command()
@click.argument("run", default="latest")
@click.option("--once", is_flag=True, help="Print how the run stands, and end.")
@OUT
@ROOT
@JSON
@click.pass_context
def watch(ctx: click.Context, run: str, once: bool, out: Path, root: Path | None, as_json: bool) -> None:
    """Watch a run that goes on, from another terminal.

    RUN is a folder, an id or `latest`. The view is made from the run's folder alone, so it serves runs on a cluster,
    too, and nothing is written there. It ends with the run; the exit code is then the run's own. With --once or --json
    it is 0.

    \b
    Examples:
      orchestrate watch
      orchestrate watch results/20261122-101500-1a2b --once
    """
    follower = Follower(RunFolder.locate(out, run), load_catalog(root))
    with Progress(console) as progress:
        _begin(follower, progress)
        if once or as_json:
            _told(follower, progress.board, as_json)
            return
        _followed(follower, progress)
    ctx.exit(_end(follower, progress))


def _begin(follower: Follower, progress: Progress) -> None:
    """What there is already, without a line for each job of it."""
    outlook = follower.outlook()
    progress.planned(outlook)
    progress.board.planned += len(outlook.jobs)
    progress.board.began -= follower.age()
    seen = follower.look()
    for result in seen.results:
        progress.board.finish(result)
    for job, where, ago in seen.started:
        progress.board.start(job, where, ago)
    for job, event in seen.events:
        progress.board.hear(job, event)


def _followed(follower: Follower, progress: Progress) -> None:
    """Shows what happens until the run is over, and then what came of it in the end."""
    state, host = follower.state()
    progress.say(f"{follower.plan.run_id} {STATES[state].format(host=host)}")
    progress.show()
    while state in GOING_ON:
        began = time.monotonic()
        _tell(follower, progress)
        state, _ = follower.state()
        time.sleep(max(EVERY_S, (time.monotonic() - began) / SHARE) if state in GOING_ON else 0)
    _tell(follower, progress)


def _tell(follower: Follower, progress: Progress) -> None:
    seen = follower.look()
    if seen.added:
        progress.expect(len(seen.added))
    new = {job.id for job, _, _ in seen.started}
    for begun in (False, True):  # what ran already has ended before what is new began
        for job, where, ago in seen.started if begun else ():
            progress.started(job, where, ago)
        for job, event in seen.events:
            if (job.id in new) == begun:
                progress.event(job, event)
        for result in seen.results:
            if (result.job.id in new) == begun:
                progress.finished(result)


def _end(follower: Follower, progress: Progress) -> int:
    """How the run ended, in words; its exit code."""
    state, host = follower.state()
    code, words = outcome(follower, state)
    progress.say(f"{follower.plan.run_id} {STATES[state].format(host=host)}; exit code {code}: {words}")
    return code


def outcome(follower: Follower, state: State) -> tuple[int, str]:
    """The exit code of a run that is over, and what it means."""
    statuses, interrupted = ending(follower.plan, list(follower.results.values()), state)
    code = exit_code(statuses, interrupted)
    bad = Counter(statuses)
    return code, CODES[code].format(bad=plural(_bad(bad), "job"))


def _bad(statuses: Counter[str]) -> int:
    return sum(n for status, n in statuses.items() if status not in ("ok", "unsupported", "excluded"))


def _told(follower: Follower, board: Board, as_json: bool) -> None:
    """One view of how the run stands."""
    state, host = follower.state()
    over = state not in GOING_ON
    code, words = outcome(follower, state) if over else (None, "")
    if as_json:
        print_json(document(follower, board, state, code))
        return
    columns = min(width(), WIDTH)
    lines = [
        f"{follower.plan.run_id} {STATES[state].format(host=host)}" + (f"; exit code {code}: {words}" if over else "")
    ]
    lines += [text.plain.rstrip() for text in view.lines(board, columns, HEIGHT)]
    tell_document("\n".join(lines))


def document(follower: Follower, board: Board, state: State, code: int | None) -> dict[str, Any]:
    """The view for programs. Times in seconds; what is not known is null."""
    now = board.clock()
    running: Sequence[dict[str, Any]] = [
        {
            "job_id": each.job.id,
            "elapsed_s": now - each.began,
            "epoch": each.epoch,
            "epochs": each.job.epochs,
            "epoch_s": each.pace,
            "left_s": each.left(board.usual(each.job), now),
        }
        for each in board.running.values()
    ]
    return {
        "run": str(follower.folder.path),
        "state": state,
        "exit_code": code,
        "planned": board.planned,
        "ok": board.counts[OK],
        "failed": board.counts[FAILED],
        "waiting": board.waiting,
        "left_s": board.left() if code is None else None,
        "running": running,
    }
