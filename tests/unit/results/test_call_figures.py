"""The columns of inference, from the events of calls; and what a job may write that is no figure."""

from __future__ import annotations

import json

import pytest

from orchestrator.results.call_figures import job_part, spans
from orchestrator.results.job_events import CallsEvent, job_events
from orchestrator.results.rows import result_row
from tests.make import make_job, make_result


def calls(way, batch, *seconds, t=100.0, **more):
    return {"event": "calls", "t": t, "way": way, "batch": batch, "seconds": list(seconds), **more}


def figures(*events, mode="predict", **changes):
    job = make_job(mode=mode, epochs=None)
    result = make_result(job, epochs=[], calls=list(events), end={"rss_peak_mb": 9.0}, **changes)
    return result_row(result, ())


EVENTS = (
    calls("predict_on_batch", 1, 0.004, 0.006, first_s=0.5, warm_ups=3, span_s=0.01),
    calls("compiled", 1, 0.002, 0.002, first_s=0.1),
    calls("compiled", 1, 0.010),
    calls("predict_on_batch", 32, 0.016, 0.016),
    calls("compiled", 32, 0.040, 0.040),
)


def test_a_row_has_the_fastest_way_at_one_sample_and_at_the_batch():
    row = figures(*EVENTS)
    assert (row["mode"], row["latency_way"], row["latency_n"]) == ("predict", "compiled", 3)
    assert row["latency_ms"] == pytest.approx(2)
    assert row["latency_p95_ms"] == pytest.approx(9.2)
    assert row["latency_p99_ms"] is None, "three calls have no 99th percentile"
    assert (row["predict_batch"], row["batch_way"]) == (32, "predict_on_batch")
    assert row["batch_latency_ms"] == pytest.approx(16)
    assert row["predicted_per_s"] == pytest.approx(2000)
    assert row["first_answer_s"] == 0.5, "of the first call of the job, not of the fastest way"
    assert row["epoch_s"] is row["tokens_per_s"] is None
    told = {(each["way"], each["batch"]): each for each in json.loads(row["calls"])}
    assert told["compiled", 1]["n"] == 3
    assert told["predict_on_batch", 1]["warm_ups"] == 3


def test_many_calls_have_a_99th_percentile():
    row = figures(*(calls("predict", 1, *[0.001 * n for n in range(1, 251)]) for _ in range(2)))
    assert row["latency_p99_ms"] == pytest.approx(248)
    assert json.loads(row["calls"])[0]["spread_ms"] == pytest.approx([1, 3, 13, 63, 125.5, 188, 238, 248, 250])


def test_few_calls_have_no_outer_percentiles():
    row = figures(*EVENTS)
    spread = next(each["spread_ms"] for each in json.loads(row["calls"]) if each["way"] == "compiled")
    assert spread == [2.0, None, 2.0, 2.0, 2.0, 6.0, pytest.approx(9.2), None, 10.0]


def test_tokens_have_a_rate_and_no_batch():
    row = figures(calls("compiled", 1, 0.004, 0.006), mode="generate", outputs=[{"way": "compiled", "tokens": [7, 8]}])
    assert (row["tokens_per_s"], row["predicted_per_s"]) == (pytest.approx(200), None)
    assert json.loads(row["outputs"]) == [{"tokens": [7, 8], "way": "compiled"}]


def test_what_is_no_time_is_no_figure():
    odd = calls("predict", 1, "x", None, True, -1, 0, 1e400, 0.002)
    row = figures(odd, calls(None, 1, 0.1), calls("predict", 0, 0.1), calls("predict", 2**40, 0.1))
    assert row["latency_ms"] == 2.0
    assert row["latency_n"] == 1
    assert figures(calls("predict", 1))["latency_ms"] is None


def test_a_training_has_none_of_these():
    row = result_row(make_result(make_job()), ())
    assert row["mode"] == "train"
    assert row["epoch_s"] == 2.5
    assert row["latency_ms"] is row["calls"] is None


def test_what_the_machine_did_is_read_over_the_timed_calls():
    found = spans([CallsEvent(t=110.0, span_s=4.0), CallsEvent(t=111.0), CallsEvent(t=120.0, span_s=5.0)])
    assert [(epoch.t, epoch.train_s) for epoch in found] == [(106.0, 0.0), (110.0, 4.0), (120.0, 5.0)]
    assert spans([]) == []


def test_a_record_without_calls_is_read_as_before():
    events = job_events(make_result(make_job()))
    assert (events.calls, events.outputs) == ([], [])
    assert job_part("predict", events)["latency_ms"] is None
