"""How calls are timed, and how tokens are made: with models of plain numpy, no library and no clock of importance."""

from __future__ import annotations

import json
import types

import calls
import events
import numpy as np
import pytest
import run
import tokens
import varied


class Model:
    """Gives each sample's sum; every call is noted."""

    def __init__(self):
        self.sizes = []

    def predict_on_batch(self, x):
        self.sizes.append(len(x))
        return x.reshape(len(x), -1).sum(axis=1, keepdims=True)

    def predict(self, x, batch_size, verbose):
        assert (batch_size, verbose) == (len(x), 0), "one batch for each call, and nothing printed"
        return self.predict_on_batch(x)


def told(folder):
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_every_way_is_timed_at_both_batches_and_gives_its_outputs(tmp_path, monkeypatch):
    monkeypatch.setattr(calls, "MOST", 30)
    monkeypatch.setattr(calls, "PART", 20)
    model = Model()
    x = np.arange(12, dtype="float32").reshape(6, 2)
    ways = calls.ways(model, lambda x: 2 * model.predict_on_batch(x))
    calls.predict(events.Writer(str(tmp_path)), ways, x, 4, 60)
    found = told(tmp_path)
    series = [event for event in found if event["event"] == "calls"]
    assert [(event["way"], event["batch"], len(event["seconds"])) for event in series] == [
        (way, batch, count)
        for batch in (1, 4)
        for way in ("predict_on_batch", "predict", "compiled")
        for count in (20, 10)
    ]
    assert all(event["warm_ups"] == calls.WARM_UPS and event["first_s"] >= 0 for event in series[::2])
    outputs = {event["way"]: event for event in found if event["event"] == "output"}
    assert outputs["predict"]["values"] == outputs["predict_on_batch"]["values"] != outputs["compiled"]["values"]
    assert outputs["predict"]["shape"] == [[calls.COMPARED, 1]]


@pytest.mark.parametrize(
    ("made", "took", "more"),
    [
        (4, 1000, True),  # the very fewest
        (5, 29, True),  # too few, and not too long yet
        (5, 31, False),
        (20, 2.9, True),
        (20, 3.1, False),
        (999, 2.9, True),
        (1000, 0.1, False),
    ],
)
def test_a_series_ends_by_time_and_count(made, took, more):
    assert calls.goes_on(made, took, 3) is more


def test_without_time_to_warm_up_the_first_call_is_the_only_one(tmp_path, monkeypatch):
    monkeypatch.setattr(calls, "WARM_SECONDS", 0)
    calls.timed(events.Writer(str(tmp_path)), "predict", 1, lambda number: None, 0)
    (event,) = told(tmp_path)
    assert (len(event["seconds"]), event["warm_ups"]) == (calls.FEWEST, 1)


def test_inputs_are_nests_of_arrays_and_begin_again_where_they_are_few():
    nest = {"a": np.arange(3), "b": [np.ones((3, 2))]}
    batch = calls.batch_of(calls.pool(nest), 4, 1)
    assert batch["a"].tolist() == [1, 2, 0, 1]
    assert batch["b"][0].shape == (4, 2)
    assert calls.pool(iter([(np.ones((5, 2)), np.zeros(5))])).shape == (5, 2)
    with pytest.raises(ValueError, match="no samples"):
        calls.pool(iter([]))


def successor(window):
    """Logits of a model whose next token is the one after the last."""
    logits = np.zeros((*window.shape, 20))
    for at, token in enumerate(window[0]):
        logits[0, at, (token + 1) % 20] = 1
    return logits


def test_tokens_are_made_greedily_each_of_those_before_it(tmp_path):
    x = np.array([[3, 4, 9, 9, 9, 9]])
    ways = [("predict_on_batch", successor), ("predict", None)]
    tokens.generate(events.Writer(str(tmp_path)), ways, x, {"prompt": 2, "tokens": 5}, 0)
    found = told(tmp_path)
    assert [(event["event"], event["way"]) for event in found] == [
        ("calls", "predict_on_batch"),
        ("output", "predict_on_batch"),
    ]
    assert found[1]["tokens"] == [5, 6, 7, 8, 9]
    assert x.tolist() == [[3, 4, 9, 9, 9, 9]], "nobody's data is written to"


@pytest.mark.parametrize("asked", [{"prompt": 2, "tokens": 6}, {"prompt": 0, "tokens": 1}])
def test_amounts_that_do_not_fit_are_told(tmp_path, asked):
    with pytest.raises(ValueError, match="need inputs of one row"):
        tokens.generate(events.Writer(str(tmp_path)), [], np.zeros((1, 6), int), asked, 0)


def test_a_model_without_logits_of_each_place_is_told(tmp_path):
    ways = [("predict_on_batch", lambda window: np.zeros((1, 20)))]
    with pytest.raises(ValueError, match=r"gives logits \(1, 6, words\), not \[1, 20\]"):
        tokens.generate(events.Writer(str(tmp_path)), ways, np.zeros((1, 6), int), {"prompt": 2, "tokens": 2}, 0)


@pytest.mark.parametrize(("asked", "timed"), [({"jit": "on"}, set()), ({"precision": "float32"}, {"compiled"})])
def test_where_jit_is_varied_only_what_it_reaches_is_timed(tmp_path, monkeypatch, asked, timed):
    monkeypatch.setattr(calls, "MOST", 5)
    model, keras = Model(), types.SimpleNamespace(axes=varied.Axes(asked), compiled=lambda model: model.predict_on_batch)
    args = types.SimpleNamespace(mode="predict", batch_size=2, call_seconds=0.1)
    samples = types.SimpleNamespace(x=np.ones((4, 2), "float32"))
    run.call(args, None, keras, model, samples, events.Writer(str(tmp_path)))
    ways = {event["way"] for event in told(tmp_path)}
    assert ways == {"predict", "predict_on_batch", *timed}
