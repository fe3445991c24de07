"""What a person is told of a running job: known events in words, and nothing of a stranger's that could do harm."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from orchestrator.cli import progress as progress_module
from orchestrator.cli.progress import Progress, describe_event
from orchestrator.plan.names import Names
from tests.make import make_job, make_result


def label_of(job) -> str:
    return Names().job(job)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"event": "ready", "keras_version": "2.0.8", "framework_version": "0.9"}, "model built, Keras 2.0.8, 0.9"),
        ({"event": "epoch_end", "epoch": 1, "train_s": 1.5, "loss": 2, "val_acc": 0.5},
         "epoch 1/2  1.50 s  loss 2.000  val_acc 0.500"),
        ({"event": "epoch_end", "epoch": 1, "train_s": "fast", "loss": None, "val_acc": True}, "epoch 1/2"),
        ({"event": "ready", "keras_version": "[red]\x1b[31m"}, "model built, Keras \\[red] [31m, None"),
        ({"event": "start"}, ""),
        ({"event": "mine", "epoch": 1}, ""),
    ],
)  # fmt: skip
def test_an_event_in_words(event, words):
    assert describe_event(make_job(epochs=2), {"t": 1.0, **event}) == words


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_terminal(width=100):
    console = Console(
        file=Terminal(), force_terminal=True, width=width, height=30, color_system=None, legacy_windows=False
    )
    return console, Progress(console)


def drawn(console, progress) -> list[str]:
    """The live lines as they would be drawn now."""
    other = Console(file=io.StringIO(), width=console.width)
    other.print(progress._drawn())
    return other.file.getvalue().splitlines()


def epoch(number):
    return {"t": 1.0, "event": "epoch_end", "epoch": number, "train_s": 1.5}


def test_every_running_job_has_a_live_line_with_its_time_and_its_epoch(monkeypatch):
    clock = iter(range(1000, 9000, 5))
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: float(next(clock)))
    jobs = [make_job(repeat=n, epochs=20) for n in (1, 2, 3)]
    console, progress = on_terminal()
    with progress:
        progress.expect(3)
        for job in jobs:
            progress.started(job, "node7" if job.repeat == 3 else "")
        progress.event(jobs[1], epoch(7))
        head, *lines = drawn(console, progress)
    assert head.startswith("0 of 3 jobs after ") and len(lines) == 3
    assert [line.split("  ")[1] for line in lines] == [
        label_of(job) + ("node7" if job.repeat == 3 else "") for job in jobs
    ]
    assert all(re.search(r"\d+ (s|min)", line) for line in lines)
    assert "epoch 7/20  1.50 s" in lines[1] and lines[0].endswith("starting")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_live_line_is_longer_than_the_terminal(width):
    console, progress = on_terminal(width)
    with progress:
        progress.expect(2)
        for repeat in (1, 2):
            progress.started(make_job(repeat=repeat), "a-node-of-a-cluster-with-a-long-name")
            progress.event(make_job(repeat=repeat), epoch(1))
        lines = drawn(console, progress)
    assert len(lines) == 3 and max(map(len, lines)) <= width


def test_a_job_that_ended_is_a_plain_line_and_no_live_one():
    console, progress = on_terminal()
    job = make_job()
    with progress:
        progress.expect(2)
        progress.started(job)
        progress.finished(make_result(job, status="ok"))
        assert len(drawn(console, progress)) == 1
    text = console.file.getvalue()
    assert "[1/2] mnist_mlp on theano" in text


def test_a_pipe_gets_a_line_for_every_event():
    out = io.StringIO()
    progress, job = Progress(Console(file=out, width=200)), make_job()
    with progress:
        progress.expect(1)
        progress.started(job)
        progress.event(job, epoch(1))
        progress.finished(make_result(job))
    name = label_of(job)
    first, second, last = out.getvalue().splitlines()
    assert first == f"[1/1] {name} starts" and second == f"  {name}: epoch 1/2  1.50 s"
    assert last.startswith(f"[1/1] {name} ok")


def test_a_file_of_ones_own_goes_by_its_name():
    console = Console(file=io.StringIO(), width=200)
    progress = Progress(console)
    job = make_job(workload="my_net", variant="own", repeat=2)
    progress.called(Names(workloads={"my_net": "My [red]Net.py"}, contenders={"keras2-theano/theano": "Theano"}))
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
