"""The parts of own.py that need no process: what was given, what it came to, and which weights are drawn."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import bounding
import described
import equal
import events
import failures
import given
import numpy as np
import pytest
import recorder


class Dataset:
    """What tf.data's class is called, where it is looked for."""

    def __init__(self, count: int) -> None:
        self.count = count

    def cardinality(self) -> int:
        return self.count

    def take(self, count: int) -> Dataset:
        return Dataset(min(count, self.count))


Dataset.__name__, Dataset.__module__ = "DatasetV2", "tensorflow.python.data.ops"


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (None, None),
        (np.ones(3), "arrays"),
        ([np.ones(3), np.ones(3)], "arrays"),
        ({"a": [1, 2]}, "arrays"),
        ((n for n in ()), "generator"),
        (Dataset(3), "tf.data.Dataset"),
        (range(3), "range"),
    ],
)
def test_what_fit_is_given_is_recognized(x: object, kind: str | None) -> None:
    assert given.kind(x) == kind


def test_nested_arrays_are_named_counted_and_cut() -> None:
    x = {"b": [np.arange(6), np.arange(12).reshape(6, 2)], "a": [1, 2, 3, 4, 5, 6]}
    assert [name for name, _ in given.leaves(x, "x")] == ["x.a", "x.b[0]", "x.b[1]"]
    assert given.samples(x) == 6
    assert given.shape(x) == [[6], [6], [6, 2]]
    assert given.shape(x, 4) == [[4], [4], [4, 2]]
    cut = given.cut(x, 1, 3)
    assert cut["a"] == [2, 3] and cut["b"][1].tolist() == [[2, 3], [4, 5]]


def test_arrays_have_the_hash_of_their_content(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(100_000, dtype="float32").reshape(1000, 100)
    whole = hashlib.sha256(array.tobytes()).hexdigest()
    assert given.describe(array) == {"shape": [1000, 100], "dtype": "float32", "sha256": whole}
    assert given.describe(array.T.copy().T)["sha256"] == whole  # another layout in memory
    monkeypatch.setattr(given, "HASHED", 2000)
    cut = given.describe(array)
    assert cut["hashed_bytes"] == 2000
    assert cut["sha256"] == hashlib.sha256(array.tobytes()[:2000]).hexdigest()
    assert given.describe(["a", "bc"])["sha256"] == hashlib.sha256(b"a\0bc").hexdigest()


def test_what_cannot_be_read_is_said_and_fails_nothing() -> None:
    class Ragged:
        shape = (3, None)

        def __array__(self, *_: object) -> None:
            raise ValueError("ragged")

    assert given.describe(Ragged()) == {"kind": "Ragged", "missing": "ragged"}


@pytest.mark.parametrize(
    ("logs", "acc", "val_acc"),
    [
        ({"acc": 0.1}, 0.1, None),
        ({"sparse_categorical_accuracy": 0.2, "val_sparse_categorical_accuracy": 0.3}, 0.2, 0.3),
        ({"binary_accuracy_1": 0.4}, 0.4, None),
        ({"accuracy": 0.5, "binary_accuracy": 0.6}, 0.5, None),
        ({"top_2_accuracy": 0.7, "head_accuracy": 0.8}, None, None),
    ],
)
def test_only_accuracies_are_called_so(logs: dict[str, float], acc: float, val_acc: float) -> None:
    four, others = recorder.figures({"loss": 1.0, **logs})
    assert (four["acc"], four["val_acc"], four["loss"]) == (acc, val_acc, 1.0)
    assert set(others) == set(logs) - {name for name in logs if logs[name] in (acc, val_acc)}


class Ticks:
    """A clock that moves by one second at every reading."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def train(training: recorder.Training, epochs: int, validates: bool) -> None:
    training.fit_called()
    training.train_begin(lambda: None)
    for _ in range(epochs):
        training.epoch_begin()
        for batch in (1, 0):  # Keras may call from several threads
            training.batch_end(batch)
        if validates:
            training.trained()
        training.epoch_end({"loss": 1.0}, 2, 64)
    training.fit_ended()


def test_the_time_between_two_fits_counts_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks()
    monkeypatch.setattr(events, "clock", ticks)
    waited: list[float] = []
    kept = recorder.Recorder(events.Writer(str(tmp_path)), lambda: waited.append(ticks.now))
    cell = kept.training()
    train(cell, 1, validates=True)
    spent, ticks.now = cell.elapsed_s, ticks.now + 1000
    train(cell, 1, validates=False)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    ends = [line for line in lines if line["event"] == "epoch_end"]
    assert [end["epoch"] for end in ends] == [1, 2]
    assert [(end["train_s"], end["validation_s"]) for end in ends] == [(3, 1), (3, 0)]
    assert spent < ends[1]["elapsed_s"] < 100
    assert len(waited) == 2  # once an epoch: before its validation, or at its end


def test_a_training_that_never_ended_an_epoch_makes_room(tmp_path: Path) -> None:
    kept = recorder.Recorder(events.Writer(str(tmp_path)), lambda: None)
    kept.training()
    assert kept.cell is None
    train(kept.training(), 1, validates=False)
    assert kept.cell is not None and kept.cell.is_cell
    for _ in range(recorder.FITS + 5):
        train(kept.training(), 1, validates=False)
    kept.write_further()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["fit"] for line in lines if line["event"] == "fit"] == list(range(2, recorder.FITS + 2))


def test_further_trainings_say_now_and_then_that_they_go_on(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    now = iter(range(0, 1000000, 1))
    monkeypatch.setattr(recorder.events, "clock", lambda: next(now) / 100.0)  # each look at the clock is 10 ms later
    kept = recorder.Recorder(events.Writer(str(tmp_path)), lambda: None)
    for _ in range(200):
        train(kept.training(), 2, validates=False)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    said = [(line["fit"], line["epoch"]) for line in lines if line["event"] == "fit_epoch"]
    assert said[0] == (2, 1) and said == sorted(said) and 5 < len(said) < 100
    assert {"t", "train_s"} <= set(next(line for line in lines if line["event"] == "fit_epoch"))


class Call:
    """What bounding changes: the arguments of a fit()."""

    x_name, batch_size = "x", None

    def __init__(self, **named: Any) -> None:
        self.named, self.kind = named, given.kind(named["x"])

    @property
    def x(self) -> Any:
        return self.named["x"]


def bounded(call: Call, **bounds: int) -> bounding.bounded:
    return bounding.bounded(call, {"steps_per_epoch": None, "batch_size": None}, bounding.Bounds(**bounds))


def test_validation_is_held_back_as_keras_would_before_anything_is_cut() -> None:
    x = np.arange(100)
    call = Call(x=x, y=-x, batch_size=10, validation_split=0.3)
    with bounded(call, steps=2):
        assert call.named["x"].tolist() == list(range(20)) and call.named["y"][1] == -1
        assert [part.tolist() for part in call.named["validation_data"]] == [
            list(range(70, 90)),
            [-n for n in range(70, 90)],
        ]
        assert call.named["validation_split"] == 0.0


def test_an_iterable_is_given_back_as_it_was() -> None:
    class Batches:
        def __len__(self) -> int:
            return 7

    batches, dataset = Batches(), Dataset(9)
    call = Call(x=batches, validation_data=dataset)
    with bounded(call, steps=3):
        assert len(batches) == 3 and isinstance(batches, Batches)
        assert call.named["validation_data"].cardinality() == 3 and "steps_per_epoch" not in call.named
    assert len(batches) == 7 and type(batches) is Batches


def test_a_generator_is_bounded_by_steps_and_makes_its_batches_itself() -> None:
    call = Call(x=(n for n in range(9)), steps_per_epoch=8)
    with bounded(call, steps=3):
        assert call.named["steps_per_epoch"] == 3
    with pytest.raises(BaseException, match="`--batch-size` is for arrays"), bounded(call, batch_size=3):
        pass


@pytest.mark.parametrize("name", ["GlorotUniform", "HeNormal", "LecunUniform", "RandomNormal", "Unknown"])
def test_weights_are_drawn_as_their_initializer_would(name: str) -> None:
    settings = {"RandomNormal": {"mean": 0.0, "stddev": 0.05}}.get(name, {})
    initializer = type(name, (), {"get_config": lambda self: settings})()
    drawn = equal.draw(initializer, (3, 3, 40, 50), np.random.RandomState(0))
    fan_in, fan_out = 9 * 40, 9 * 50
    variance = {"HeNormal": 2 / fan_in, "LecunUniform": 1 / fan_in, "RandomNormal": 0.05**2}
    assert drawn.std() == pytest.approx(np.sqrt(variance.get(name, 2 / (fan_in + fan_out))), rel=0.02)
    assert abs(drawn.mean()) < drawn.std() * 0.05
    again = equal.draw(initializer, (3, 3, 40, 50), np.random.RandomState(0))
    assert (drawn == again).all()
    assert equal.draw(type("Zeros", (), {})(), (2, 2), np.random.RandomState(0)) is None


def test_settings_are_plain_and_have_an_end() -> None:
    deep: dict[str, Any] = {"rate": np.float32(0.5), "name": "x" * 999, "list": list(range(999))}
    deep["self"] = {"schedule": {"class_name": "Cosine", "config": {"steps": 7}}}
    found = described.bounded(deep)
    assert found["rate"] == 0.5 and len(found["name"]) == described.LETTERS
    assert len(json.dumps(found)) < 2000
    assert described.name_of([np.mean, {"a": "mse"}, None]) == ["mean", {"a": "mse"}, None]


@pytest.mark.parametrize(
    ("error", "module"),
    [
        (ImportError("No module named pandas"), "pandas"),  # Python 2
        (ModuleNotFoundError("No module named 'pandas'"), "pandas"),
        (ImportError("cannot import name 'x' from 'y'"), None),
        (ModuleNotFoundError("No module named 'keras.experimental'"), None),
        (ValueError("No module named 'x'"), None),
    ],
)
def test_a_missing_package_is_told_from_other_errors(error: Exception, module: str | None) -> None:
    assert failures.missing_module(error) == module
