"""Known events in words, and nothing of a stranger's that could do harm."""

from __future__ import annotations

import pytest
from rich.text import Text

from orchestrator.cli.live.words import describe_event, job_figure, summary
from tests.make import epoch, make_job, make_result


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"event": "ready", "keras_version": "2.0.8", "framework_version": "0.9"}, "model built, Keras 2.0.8, 0.9"),
        ({"event": "ready", "keras_version": None, "framework_version": "2.13.0"}, "model built, no Keras, 2.13.0"),
        ({"event": "epoch_end", "epoch": 1, "train_s": 1.5, "loss": 2, "val_acc": 0.5},
         "epoch 1/2  1.50 s  loss 2.000  val_acc 0.500"),
        ({"event": "epoch_end", "epoch": 1, "train_s": "fast", "loss": None, "val_acc": True}, "epoch 1/2"),
        ({"event": "ready", "keras_version": "[red]\x1b[31m"}, "model built, Keras \\[red] [31m, None"),
        ({"event": "fit_epoch", "fit": 3, "epoch": 2, "train_s": 0.5}, "training 3, epoch 2  0.50 s"),
        ({"event": "fit_epoch", "fit": "x", "epoch": [2], "train_s": "x"}, "training None, epoch None"),
        ({"event": "start"}, ""),
        ({"event": "mine", "epoch": 1}, ""),
    ],
)  # fmt: skip
def test_an_event_in_words(event, words):
    assert describe_event(make_job(epochs=2), {"t": 1.0, **event}) == words


def test_the_figure_is_that_of_the_epochs_after_the_first_of_a_job_that_ended_well():
    epochs = [epoch(n, seconds, 0.1, 100.0) for n, seconds in enumerate((9.0, 1.0, 2.0, 4.0), 1)]
    assert job_figure(make_result(make_job(), epochs=epochs)) == 2.0
    assert job_figure(make_result(make_job(), epochs=epochs[:1])) is None
    assert job_figure(make_result(make_job(), epochs=epochs, status="failed")) is None
    odd = [{"event": "epoch_end", "train_s": value} for value in (1.0, None, "x", [2])]
    assert job_figure(make_result(make_job(), epochs=odd)) is None


def test_how_a_job_ended():
    said = [Text.from_markup(summary(make_result(make_job(), **changes), "it")).plain for changes in (
        {}, {"status": "failed", "reason": "[x] broke"}, {"fits": [{"event": "fit"}], "launched_t": None},
    )]  # fmt: skip
    assert said == [
        "it ok in 22 s, 2.50 s/epoch",
        "it failed in 22 s  [x] broke",
        "it ok, 2.50 s/epoch, 1 further training",
    ]


def test_calls_are_told_as_they_come_and_a_job_of_them_ends_with_milliseconds():
    job = make_job(mode="predict", epochs=None)
    event = {"event": "calls", "t": 1.0, "way": "predict", "batch": 1, "seconds": [0.002, 0.004, 0.003]}
    assert describe_event(job, event) == "predict, batch 1: 3.00 ms"
    assert describe_event(job, {**event, "seconds": ["x"]}) == "predict, batch 1: no times"
    result = make_result(job, epochs=[], calls=[event])
    assert summary(result, "MNIST MLP").endswith(", 3.00 ms/call")
