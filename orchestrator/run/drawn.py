"""Has the charts of a report drawn by a program of its own, whose end costs pictures and nothing else."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.report.blocks import Drawn
from orchestrator.report.drawing import Line, collected, in_words, material
from orchestrator.report.view import View
from orchestrator.text import printable

#: Seconds; hundreds of charts are drawn in less.
LIMIT_S = 600
#: Python's own settings (-I) are not for this program, but it finds packages where this process does.
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from orchestrator.report.drawing import main; main()"
GIB = 2**30


def drawn(view: View) -> Drawn:
    """The charts of a view. Never raises: what could not be drawn is a sentence."""
    if not view.drawable or not (view.epochs or view.samples or view.gpu):
        return Drawn()
    try:
        places = [str(Path(place).absolute()) for place in sys.path]
        argv = [sys.executable, "-I", "-X", "utf8", "-c", PROGRAM, *places]
        answer, ended = _answer(argv, pickle.dumps(material(view)))
        return collected(_lines(answer), ended)
    except Exception as error:
        return collected((), in_words(error))


def _answer(argv: list[str], material: bytes) -> tuple[bytes, str]:
    """What the program wrote, and in words why it ended; "" if it ended well."""
    environment = {**os.environ, "HOME": os.environ.get("HOME") or "/"}  # it looks for one, and needs nothing there
    try:
        done = subprocess.run(
            argv, input=material, capture_output=True, timeout=LIMIT_S, start_new_session=True, env=environment
        )
    except subprocess.TimeoutExpired as error:
        return error.output or b"", f"it took longer than {LIMIT_S} s"
    if done.returncode == 0:
        return done.stdout, ""
    if done.returncode < 0:
        return done.stdout, _killed(-done.returncode)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
    return done.stdout, printable(said[-1], 200)


def _killed(number: int) -> str:
    words = f"signal {number}"
    with contextlib.suppress(ValueError):
        words = signal.Signals(number).name
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    bound = "" if limit == resource.RLIM_INFINITY else f", perhaps for memory (ulimit -v allows {limit / GIB:.1f} GiB)"
    return f"the program that draws them was ended by {words}{bound}"


def _lines(answer: bytes) -> Iterator[Line]:
    """The whole lines of the answer; of the last one the end may be missing."""
    for line in answer.split(b"\n")[:-1]:
        yield msgspec.json.decode(line, type=Line)
