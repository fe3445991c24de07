"""What every listener must do, whatever becomes of what it hears. A new listener is one entry of LISTENERS."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from rich.console import Console

from orchestrator import streams
from orchestrator.cli.live.progress import Progress
from orchestrator.executors.executor import Listener, Outlook
from orchestrator.model import Job
from orchestrator.plan.names import Names
from tests.fakes.recorder import Recorder
from tests.make import make_job, make_result

#: What the display itself may write to move about: colours, erased lines, a line up, the cursor hidden and shown.
OWN_MOVES = re.compile(r"\x1b\[([0-9;]*m|2K|1A|\?25[lh])|\r")
ODD = {
    "markup": "[red]not red[/red] [/] [/nothing] [link=file:///etc/passwd]here[/link] \\[x]",
    "an escape": "\x1b[2J\x1b[1;1H cleared \x1b]0;title\x07 \x1b[?1049h \x9b2J",
    "controls": "a\rb\x08c\x0bd\x0ce\x00f\x7f",
    "directions": "\u202e txt.exe \u2066 \u200f",
    "half a character": "\ud800 \udcff",
    "many lines": "one\ntwo\r\nthree\u2028four",
    "very long": "x" * 100_000 + " " + "words " * 20_000,
    "nothing": "",
}


@dataclass
class Case:
    """One listener; `written` is what it has shown so far, `counted` how many jobs are done of how many."""

    listener: Listener
    written: Callable[[], str]
    counted: Callable[[], tuple[int, int]]


class Screen:
    """Standard error, as our command opens it."""

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("screen")
        self.stream = streams.opened(self._descriptor)

    def text(self) -> str:
        return os.pread(self._descriptor, 2**24, 0).decode()

    def lose(self, how: str) -> None:
        """From now on, writing to it fails."""
        reader, writer = os.pipe()
        if how == "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), self._descriptor)
        elif how == "pipe":
            os.dup2(writer, self._descriptor)
        else:
            os.close(self._descriptor)
        os.close(reader)
        os.close(writer)


def progress(terminal: bool, screen: Screen) -> Case:
    console = Console(file=screen.stream, force_terminal=terminal, width=120, highlight=False, soft_wrap=True)

    def counted() -> tuple[int, int]:
        done, planned = re.findall(r"\[ *(\d+)/(\d+)\]", screen.text())[-1]
        return int(done), int(planned)

    return Case(Progress(console), screen.text, counted)


def recorder(screen: Screen) -> Case:
    listener = Recorder()
    return Case(listener, str, lambda: (len(listener.of("finished")), sum(listener.of("expect"))))


LISTENERS = [
    pytest.param(lambda screen: progress(True, screen), id="terminal"),
    pytest.param(lambda screen: progress(False, screen), id="pipe"),
    pytest.param(recorder, id="recorder"),
]


@pytest.fixture(params=LISTENERS)
def make(request):
    """Makes a case over a screen; a display is closed when the test is over."""
    displays = []

    def begin(screen: Screen) -> Case:
        case = request.param(screen)
        displays.append(case.listener)
        return case

    yield begin
    for display in displays:
        if hasattr(display, "__exit__"):
            display.__exit__(None, None, None)


def whole_life(listener: Listener, job: Job, text: str = "") -> None:
    """Everything that can be said of one job, with `text` wherever text comes from outside."""
    listener.say(text)
    listener.started(job, text)
    listener.event(job, {"event": "start", "t": 1.0, "job": text})
    listener.event(job, {"event": "ready", "t": 2.0, "keras_version": text, "framework_version": [text]})
    for value in (0.5, 3, None, text, [text], {text: text}, float("nan"), float("inf"), True):
        listener.event(job, {"event": "epoch_end", "t": 3.0, "epoch": value, "train_s": value, "loss": value})
    listener.event(job, {"event": text, "t": 4.0})
    listener.finished(make_result(job, status="failed", reason=text))


@pytest.mark.parametrize("status", ["ok", "failed", "timeout", "oom", "cancelled", "unsupported", "excluded"])
def test_every_end_of_a_job_can_be_heard(make, status):
    case, job = make(Screen()), make_job()
    case.listener.expect(1)
    case.listener.started(job)
    case.listener.finished(make_result(job, status=status, launched_t=None if status == "cancelled" else 90.0))
    assert case.counted() == (1, 1)


def test_counts_follow_what_is_expected_later(make):
    case, jobs = make(Screen()), [make_job(repeat=repeat) for repeat in range(1, 6)]
    counts = []
    for more, batch in ((2, jobs[:1]), (3, jobs[1:])):
        case.listener.expect(more)
        for job in batch:
            case.listener.started(job, " on n1")
            case.listener.finished(make_result(job))
            counts.append(case.counted())
    assert counts == [(1, 2), (2, 5), (3, 5), (4, 5), (5, 5)]
    case.listener.expect(0)
    case.listener.expect(1)  # after all that were expected are done
    whole_life(case.listener, make_job(repeat=9))
    assert case.counted() == (6, 6)


def test_jobs_that_never_start_count_as_well(make):
    case = make(Screen())
    case.listener.expect(3)
    for repeat in (1, 2, 3):
        case.listener.finished(make_result(make_job(repeat=repeat), status="cancelled", launched_t=None))
    assert case.counted() == (3, 3)


def test_many_threads_may_speak_at_once(make):
    case, threads, each = make(Screen()), 8, 12

    def speak(number: int) -> None:
        case.listener.expect(each)
        for repeat in range(1, each + 1):
            whole_life(case.listener, make_job(workload=f"w{number}", repeat=repeat), "something")

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(speak, number) for number in range(threads)]:
            done.result()
    assert case.counted() == (threads * each, threads * each)


@pytest.mark.parametrize("what", ODD)
def test_odd_text_neither_breaks_nor_steers_anything(make, what):
    case, job = make(Screen()), make_job()
    names = {f"{job.stack}/{job.backend}": ODD[what]}
    case.listener.planned(Outlook(names=Names(workloads={job.workload: ODD[what]}, contenders=names), jobs=[job]))
    case.listener.expect(2)
    whole_life(case.listener, job, ODD[what])
    case.listener.finished(make_result(make_job(repeat=2)))
    shown = OWN_MOVES.sub("", case.written())
    assert [c for c in set(shown) if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize("where", ["say", "where", "reason", "event"])
def test_markup_is_shown_as_it_is(make, where):
    case, job, text = make(Screen()), make_job(), "[bold]sum[/bold] [0, 1] [/]"
    case.listener.expect(1)
    case.listener.started(job, text if where == "where" else "")
    if where == "say":
        case.listener.say(text)
    if where == "event":
        case.listener.event(job, {"event": "ready", "t": 1.0, "keras_version": text})
    case.listener.finished(make_result(job, status="failed", reason=text if where == "reason" else ""))
    quiet = isinstance(case.listener, Recorder) or (where in ("where", "event") and "\x1b" in case.written())
    assert quiet or text in OWN_MOVES.sub("", case.written())


@pytest.mark.parametrize("how", ["pipe", "full", "closed"])
@pytest.mark.parametrize("since", ["the start", "the middle", "the last job"])
def test_a_screen_that_is_lost_costs_nothing(make, how, since):
    screen = Screen()
    case, jobs = make(screen), [make_job(repeat=repeat) for repeat in (1, 2)]
    if since == "the start":
        screen.lose(how)
    case.listener.expect(2)
    case.listener.started(jobs[0])
    if since == "the middle":
        screen.lose(how)
    whole_life(case.listener, jobs[0], "said")
    if since == "the last job":
        screen.lose(how)
    whole_life(case.listener, jobs[1], "heard by nobody")
    case.listener.expect(1)
