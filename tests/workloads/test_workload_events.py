"""The lines that a job writes: strict JSON, whole, on the host's clock."""

from __future__ import annotations

import json
import time
from pathlib import Path

import events
import numpy as np
import pytest


def lines(folder: Path) -> list[dict]:
    def refuse(token: str) -> None:
        raise AssertionError(f"not strict JSON: {token}")

    text = (folder / "events.jsonl").read_text()
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def test_every_line_has_event_time_and_attempt(tmp_path: Path) -> None:
    before = time.monotonic()
    events.Writer(str(tmp_path / "new"), attempt=3).write("epoch_begin", epoch=1)
    (line,) = lines(tmp_path / "new")
    assert (line["event"], line["attempt"], line["epoch"]) == ("epoch_begin", 3, 1)
    assert before <= line["t"] <= time.monotonic()


def test_lines_are_there_at_once_and_attempts_are_appended(tmp_path: Path) -> None:
    first = events.Writer(str(tmp_path), 1)
    first.write("start")
    events.Writer(str(tmp_path), 2).write("start")
    assert [line["attempt"] for line in lines(tmp_path)] == [1, 2]


def test_the_clock_of_python_2_is_the_same_clock() -> None:
    clock = events._clock_from_libc()
    before, between, after = time.monotonic(), clock(), time.monotonic()
    assert before <= between <= after


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float32("nan"), None),
        (np.float32(0.5), 0.5),
        (np.array(0.25), 0.25),
        (np.int64(3), 3),
        (True, True),
        ((1, [2.5, "x"]), [1, [2.5, "x"]]),
        ({"a": {"b": np.float64("inf")}}, {"a": {"b": None}}),
        (len, str(len)),
    ],
)
def test_values_become_plain(value: object, expected: object) -> None:
    assert events.plain(value) == expected


def test_a_failing_phase_is_not_reported(tmp_path: Path) -> None:
    writer = events.Writer(str(tmp_path))
    with pytest.raises(KeyError), writer.phase("data"):
        raise KeyError("x")
    with writer.phase("build"):
        pass
    assert [line["name"] for line in lines(tmp_path)] == ["build"]


def test_an_error_carries_its_traceback(tmp_path: Path) -> None:
    writer = events.Writer(str(tmp_path))
    try:
        raise ValueError("no such thing")
    except ValueError as error:
        writer.error(error)
    (line,) = lines(tmp_path)
    assert (line["type"], line["message"]) == ("ValueError", "no such thing")
    assert "test_workload_events.py" in line["traceback"]


class Ticks:
    """A clock that moves by one second at every reading."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def clocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> events.EpochClock:
    writer = events.Writer(str(tmp_path))
    monkeypatch.setattr(writer, "write", lambda event, **fields: written.append((event, fields)))
    monkeypatch.setattr(events, "clock", Ticks())
    written: list = []
    callback = events.EpochClock(writer, batch_size=32, samples=90)
    callback.written = written
    return callback


def train(callback: events.EpochClock, logs: dict, tests: bool) -> None:
    """One epoch of three batches, as Keras would call it."""
    callback.fit_called()  # 1
    callback.on_train_begin()  # 2
    callback.on_epoch_begin(0)  # 3
    for batch in range(3):  # 4 5 6
        callback.on_batch_end(batch, {})
    if tests:
        callback.on_test_begin()  # 7
    callback.on_epoch_end(0, logs)  # 7, or 8


def test_training_ends_with_the_last_batch_where_keras_tells_no_more(clocked: events.EpochClock) -> None:
    train(clocked, {"loss": 1.0, "acc": 0.5, "val_loss": 2.0, "val_acc": 0.25}, tests=False)
    phases = [(fields["name"], fields["seconds"]) for event, fields in clocked.written if event == "phase"]
    assert phases == [("fit_setup", 1), ("first_batch", 2)]
    assert clocked.written[-1] == (
        "epoch_end",
        {"epoch": 1, "train_s": 3, "validation_s": 1, "elapsed_s": 6, "batches": 3, "samples": 90,
         "loss": 1.0, "acc": 0.5, "val_loss": 2.0, "val_acc": 0.25},
    )  # fmt: skip


@pytest.mark.parametrize("kind", [float, np.float32, np.array])
def test_figures_that_json_has_no_numbers_for_are_named(clocked: events.EpochClock, kind, tmp_path: Path) -> None:
    logs = {"loss": "nan", "accuracy": "inf", "val_loss": "-inf", "val_acc": "0.5"}
    train(clocked, {name: kind(float(value)) for name, value in logs.items()}, tests=False)
    fields = clocked.written[-1][1]
    assert fields["not_finite"] == {"loss": "nan", "acc": "inf", "val_loss": "-inf"}
    events.Writer(str(tmp_path)).write("epoch_end", **fields)
    line = json.loads((tmp_path / "events.jsonl").read_text(), parse_constant=pytest.fail)
    assert (line["loss"], line["acc"], line["val_loss"], line["val_acc"]) == (None, None, None, 0.5)
    assert line["not_finite"] == fields["not_finite"]


def test_training_ends_where_validation_begins_and_names_are_of_2017(clocked: events.EpochClock) -> None:
    train(clocked, {"loss": 1.0, "accuracy": 0.5}, tests=True)
    fields = clocked.written[-1][1]
    assert (fields["train_s"], fields["validation_s"]) == (4, 1)
    assert (fields["acc"], fields["val_acc"]) == (0.5, None)
    assert clocked.last_metrics == {"loss": 1.0, "acc": 0.5, "val_loss": None, "val_acc": None}
    assert clocked.elapsed_s == 7


def test_the_device_catches_up_before_validation_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX only queues its steps: an epoch's training was once counted as its validation."""
    ticks = Ticks()
    monkeypatch.setattr(events, "clock", ticks)
    writer = events.Writer(str(tmp_path))

    def wait() -> None:
        ticks.now += 100

    callback = events.EpochClock(writer, batch_size=32, samples=90, wait=wait)
    train(callback, {}, tests=True)
    last = json.loads((tmp_path / "events.jsonl").read_text().splitlines()[-1])
    assert (last["train_s"], last["validation_s"]) == (104, 1)
