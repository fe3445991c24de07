"""results/index.html: one row per run, with a link to its report. It is written after each run, and costs none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from orchestrator import doors, ownership
from orchestrator.errors import HostError, UserError
from orchestrator.files import write_atomic
from orchestrator.history.lines import keras_in_words
from orchestrator.history.runs import Listed, Strange, list_runs, several, when
from orchestrator.model import Say
from orchestrator.report import render
from orchestrator.text import plain_lines

INDEX = "index.html"
TEMPLATES = Path(__file__).parent / "templates"
#: How the page says who made it. A file of this name without it is somebody's, and stays.
MARK = '<meta name="generator" content="keras-orchestrate index">'
#: Bytes at the begin of a page in which the mark stands.
HEAD = 4096
#: Seconds that a run's end spends on the page; a folder that takes longer gets it from `list runs --html`.
PATIENCE_S = 20.0


def page(runs: Sequence[Listed]) -> str:
    """The page, complete in one file. It opens reports of runs that lie in folders beside it."""
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    rows = [
        {
            "run": run,
            "when": when(run.created),
            "host": several(run.hosts),
            "device": several(run.devices),
            "scale": several(run.scales),
            "keras": several([*map(keras_in_words, run.keras)]),
            "choices": {
                name: [*map(plain_lines, of)]
                for name, of in (("host", run.hosts), ("device", run.devices), ("scale", run.scales))
            },
        }
        for run in runs
    ]
    return render.other_page(TEMPLATES / "index.html.j2", [script], rows=rows)


def write_index(results: Path, runs: Sequence[Listed]) -> Path:
    """Write the page of these runs into their results folder; gives its path.

    Raises UserError for a folder that is not the caller's alone, or holds another file of that name; HostError where
    the disk refuses.
    """
    place = doors.own(results)
    found = refusal(place)
    if found:
        raise UserError(found, "`orchestrate list runs` lists them without writing anything")
    path = place / INDEX
    write_atomic(path, page(runs).encode())
    return path


def refusal(place: Path) -> str:
    """Why no page is written to a results folder, in words, or "". In a shared one it would be everybody's."""
    try:
        if place.lstat().st_uid != os.geteuid():
            return ownership.trouble(place)
        ours = doors.kind_of(place / INDEX) is None or MARK.encode() in _head(place / INDEX)
    except (OSError, UserError) as error:
        return f"{place / INDEX} cannot be written: {error}"
    return "" if ours else f"{place / INDEX} is there already, and is no index of runs"


def _head(path: Path) -> bytes:
    with os.fdopen(doors.open_file(path), "rb") as file:
        return file.read(HEAD)


def refresh(results: Path, strange: Strange, say: Say) -> None:
    """Write the page after a run. Whatever hinders that is said at most; no run is lost for it."""
    try:
        place = doors.own(results)
        if not refusal(place):
            write_index(place, list_runs(place, strange, PATIENCE_S))
    except (UserError, HostError) as error:
        say(f"{INDEX} was not written: {error.message}")
    except Exception as error:
        with contextlib.suppress(Exception):
            say(f"{INDEX} was not written: {type(error).__name__}: {error}")
