"""What a person is told of a running job: known events in words, and nothing of a stranger's that could do harm."""

from __future__ import annotations

import pytest

from orchestrator.cli.progress import describe_event
from tests.make import make_job


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
