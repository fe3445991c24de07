"""What fit() is given for each pipeline, and how long it is seen to wait; a Keras of a few lines stands in."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import events
import feeding
import given
import job
import numpy as np
import pytest
import varied

X, Y = [np.arange(14).reshape(7, 2), np.arange(7)], np.arange(7) % 2


class PyDataset:
    pass


PyDataset.__module__ = "keras.src.trainers"
KERAS: Any = types.SimpleNamespace(utils=types.SimpleNamespace(PyDataset=PyDataset), backend=None)


def test_a_pydataset_has_the_samples_in_their_order_and_a_smaller_last_batch() -> None:
    batches = feeding.fed(KERAS, "pydataset", X, Y, 3)
    assert len(batches) == 3 and feeding.name_of(batches) == "pydataset"
    inputs, labels = zip(*(batches[at] for at in range(3)), strict=True)
    assert [len(part) for part in labels] == [3, 3, 1]
    assert np.concatenate(labels).tolist() == Y.tolist()
    for place, whole in enumerate(X):
        assert np.array_equal(np.concatenate([part[place] for part in inputs]), whole)


def test_arrays_stay_arrays_and_are_not_shuffled() -> None:
    axes = varied.Axes({"pipeline": "arrays"})
    assert axes.feed(KERAS, X, Y, 3) == {"x": X, "y": Y, "batch_size": 3, "shuffle": False}
    assert axes.got(None, None, 3, {})["pipeline"] == "arrays"
    assert varied.Axes({}).feed(KERAS, X, Y, 3) == {}


def test_what_holds_no_arrays_or_lacks_the_library_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(job.Refused, match="pipeline=pydataset is for arrays, and fit\\(\\) is given a generator here"):
        varied.Axes({"pipeline": "pydataset"}).feed(KERAS, (n for n in ()), Y, 3)
    monkeypatch.setitem(feeding.__dict__, "_dataset", lambda *_: __import__("no_such_library"))
    with pytest.raises(job.Refused, match=r"pipeline=tf.data was asked for, and this environment lacks its library"):
        feeding.fed(KERAS, "tf.data", X, Y, 3)


class Epochs:
    """What Keras 3 takes batches with."""

    def __init__(self, x: Any, y: Any = None) -> None:
        self.data_adapter = types.SimpleNamespace(get_jax_iterator=lambda: iter(x), num_batches=2)


def test_only_the_watched_samples_are_timed_and_nothing_known_is_nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 1000, 2))
    monkeypatch.setattr(events, "clock", lambda: float(next(ticks)))
    monkeypatch.setattr(feeding, "_iterator_class", lambda _: Epochs)
    waits, train, validation = feeding.Waits(), [1, 2], [3]
    assert waits.seconds() is None and events.waited_since(None, waits.seconds) == {}
    begin = Epochs.__init__
    try:
        assert waits.watch(KERAS, train) is train
        assert list(Epochs(validation).data_adapter.get_jax_iterator()) == [3]
        assert waits.seconds() is None
        timed: Iterator[int] = Epochs(x=train).data_adapter.get_jax_iterator()
        assert [next(timed), next(timed)] == [1, 2] and Epochs(train).data_adapter.num_batches == 2
        assert waits.seconds() == 4.0  # two seconds for each batch
        assert events.waited_since(1.0, waits.seconds) == {"input_wait_s": 3.0}
    finally:
        Epochs.__init__ = begin  # type: ignore[method-assign]


def test_every_value_of_the_axis_is_recognized_by_what_it_gives() -> None:
    from orchestrator.plan.pipelines import PIPELINES

    assert set(PIPELINES) == set(feeding.KINDS)
    assert given.kind(X) == feeding.KINDS["arrays"]
