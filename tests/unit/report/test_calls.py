"""The calls of a row, whoever wrote them."""

from __future__ import annotations

import json

import pytest

from orchestrator.report.calls import fastest, seconds_per_sample, series

ONE, MANY = {"way": "predict", "batch": 1, "n": 3}, {"way": "predict", "batch": 32}


def test_the_way_that_the_latency_is_of_is_that_of_one_sample():
    row = {"latency_way": "predict", "calls": json.dumps([MANY, {"way": "compiled", "batch": 1}, ONE])}
    assert fastest(row) == ONE
    assert fastest({**row, "latency_way": None}) is None


@pytest.mark.parametrize("calls", [None, "", "no json", "7", "[7]", '{"way": 1}', '[{"way": "predict"}]'])
def test_what_is_no_series_is_none(calls):
    assert series({"calls": calls}) == []
    assert fastest({"calls": calls, "latency_way": "predict"}) is None


@pytest.mark.parametrize(("rate", "seconds"), [(4.0, 0.25), (0, None), (None, None)])
def test_the_time_of_a_sample_is_that_of_its_batches(rate, seconds):
    assert seconds_per_sample({"predicted_per_s": rate}) == seconds
