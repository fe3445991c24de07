"""What a person is told of a run that goes on, on a terminal and in a pipe."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from orchestrator.cli.live.progress import Progress
from orchestrator.executors.executor import Outlook
from orchestrator.plan.names import Names
from tests.make import make_job, make_result

THEANO = {"keras2-theano/theano": "Theano"}
OUTLOOK = Outlook(names=Names(workloads={"mnist_mlp": "MNIST MLP"}, contenders=THEANO))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_terminal(width=100, height=30, **environment):
    console = Console(
        file=Terminal(),
        force_terminal=True,
        width=width,
        height=height,
        legacy_windows=False,
        _environ={"TERM": "xterm-256color", **environment},
    )
    return console, Progress(console)


def drawn(progress) -> list[str]:
    """The display as it would be drawn now."""
    return [text.plain for text in progress._drawn()]


def epoch(number):
    return {"t": 1.0, "event": "epoch_end", "epoch": number, "train_s": 1.5}


def test_a_job_that_ended_leaves_one_line_with_its_figure():
    console, progress = on_terminal()
    job = make_job()
    with progress:
        progress.planned(OUTLOOK)
        progress.expect(2)
        progress.started(job)
        progress.finished(make_result(job, status="ok"))
        assert not any("Theano" in line and "running" in line for line in drawn(progress))
    assert "[1/2] MNIST MLP on Theano (cpu) ok in 22 s, 2.50 s/epoch" in re.sub(
        r"\x1b\[[0-9;]*m", "", console.file.getvalue()
    )


def test_a_pipe_gets_a_line_for_every_event_and_the_figure():
    out = io.StringIO()
    progress, job = Progress(Console(file=out, width=200)), make_job()
    with progress:
        progress.planned(OUTLOOK)
        progress.expect(1)
        progress.started(job)
        progress.event(job, epoch(1))
        progress.finished(make_result(job))
    name = "MNIST MLP on Theano (cpu)"
    assert out.getvalue().splitlines() == [
        f"[1/1] {name} starts",
        f"  {name}: epoch 1/2  1.50 s",
        f"[1/1] {name} ok in 22 s, 2.50 s/epoch",
    ]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(term):
    console, progress = on_terminal(TERM=term)
    with progress:
        progress.expect(1)
        progress.started(make_job())
        progress.event(make_job(), epoch(1))
        progress.finished(make_result(make_job()))
    text = console.file.getvalue()
    assert "\x1b[1A" not in text and "\x1b[2K" not in text
    assert "epoch 1/2" in text and "[1/1]" in text


def test_no_color_leaves_no_colour():
    console, progress = on_terminal(NO_COLOR="1")
    with progress:
        progress.expect(2)
        progress.started(make_job())
        progress.finished(make_result(make_job(), status="failed", reason="it broke"))
    assert re.findall(r"\x1b\[(?:3|4|9)\d[;m]", console.file.getvalue()) == []


def test_the_cursor_stays_in_sight_so_that_a_killed_process_leaves_the_terminal_as_it_was():
    console, progress = on_terminal()
    with progress:
        progress.expect(1)
        progress.started(make_job())
        shown = console.file.getvalue()
        assert "?1049" not in shown and shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_what_was_drawn_on_a_wider_terminal_is_drawn_over():
    console, progress = on_terminal(100)
    with progress:
        progress.expect(60)
        for repeat in (1, 2):
            progress.started(make_job(repeat=repeat))
        lengths = [text.cell_len for text in progress._drawn()]
        console.width = 30
        console.file.truncate(0)
        progress._live.refresh()
        rows = sum(-(-length // 30) for length in lengths)
    assert rows > len(lengths)
    assert console.file.getvalue().count("\x1b[1A", 0, console.file.getvalue().index(">")) == rows - 1


def test_a_file_of_ones_own_goes_by_its_name():
    console = Console(file=io.StringIO(), width=200)
    progress = Progress(console)
    job = make_job(workload="my_net", variant="own", repeat=2)
    progress.planned(Outlook(names=Names(workloads={"my_net": "My [red]Net.py"}, contenders=THEANO)))
    with progress:
        progress.expect(2)
        progress.started(job)
        progress.event(job, {"event": "epoch_end", "epoch": 1, "train_s": 1.5})
        progress.finished(make_result(job))
        progress.started(make_job())
    said = console.file.getvalue()
    assert said.count("My [red]Net.py on Theano (cpu), repeat 2") == 3
    assert "my_net" not in said
    assert "mnist_mlp on Theano (cpu) starts" in said


def test_a_model_that_is_built_in_its_first_epoch_is_told_of_once():
    console = Console(file=io.StringIO(), width=200)
    job, ready = make_job(), {"event": "ready", "keras_version": "3.15.1", "framework_version": "2.21.0"}
    with Progress(console) as progress:
        progress.expect(1)
        progress.started(job)
        for event in (ready, epoch(1), ready, epoch(2)):
            progress.event(job, event)
    said = console.file.getvalue()
    assert said.count("model built") == 1
    assert "epoch 2" in said


def test_what_an_earlier_session_did_counts():
    out = io.StringIO()
    jobs = [make_job(repeat=repeat) for repeat in (1, 2, 3)]
    with Progress(Console(file=out, width=200)) as progress:
        progress.planned(Outlook(jobs=jobs[2:], done=[make_result(jobs[0]), make_result(jobs[1], status="failed")]))
        progress.expect(1)
        progress.started(jobs[2])
    assert out.getvalue().startswith("[3/3]")
