"""Makes the columns of a job that does not train of the times of its calls. Nothing is read or written here.

Seconds in events, milliseconds in columns. A job that predicts has several ways of calling at two batches; its figures
are those of its fastest way at each, by the median, and `calls` tells of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from orchestrator.model import Mode, Row
from orchestrator.results.job_events import CallsEvent, EpochEvent, JobEvents, OutputEvent, number
from orchestrator.results.own_figures import packed

#: The calls without which a job has no 99th percentile: fewer, and it would be the worst one or two of them.
ENOUGH_FOR_P99 = 500
#: The percentiles that draw the spread of the calls; of few calls the outer ones would be the worst call or two.
SPREAD, OUTER = (0, 1, 5, 25, 50, 75, 95, 99, 100), (1, 99)
#: Values of an output that a row keeps.
VALUES = 512
#: The way whose first call is the first of a job, on every Keras.
FIRST = "predict_on_batch"


def job_part(mode: Mode, events: JobEvents) -> Row:
    """The columns of inference. What a job wrote that is no time is left out."""
    found = list(_series(events.calls))
    one = _fastest([each for each in found if each["batch"] == 1])
    sizes = {each["batch"] for each in found}
    size = max(sizes, default=None)
    many = _fastest([each for each in found if each["batch"] == size]) if mode == "predict" and size else {}
    first = next((each["first_s"] for each in found if each["way"] == FIRST and each["batch"] == 1), None)
    return {
        "latency_ms": one.get("p50_ms"),
        "latency_p95_ms": one.get("p95_ms"),
        "latency_p99_ms": one.get("p99_ms"),
        "latency_n": one.get("n"),
        "latency_way": one.get("way"),
        "first_answer_s": first,
        "predict_batch": many.get("batch"),
        "batch_latency_ms": many.get("p50_ms"),
        "batch_latency_p95_ms": many.get("p95_ms"),
        "batch_way": many.get("way"),
        "predicted_per_s": many.get("per_s"),
        "tokens_per_s": one.get("per_s") if mode == "generate" else None,
        "calls": packed(found),
        "outputs": packed([_output(output) for output in events.outputs]),
    }


def spans(calls: Sequence[CallsEvent]) -> list[EpochEvent]:
    """The times in which calls were timed, as epochs for whoever reads what the machine did meanwhile.

    The first has no length: what is made of epochs leaves the first one out.
    """
    known = [(float(each.t), float(each.span_s)) for each in calls if each.t is not None and each.span_s]
    if not known:
        return []
    begin = EpochEvent(t=known[0][0] - known[0][1], train_s=0.0, validation_s=0.0)
    return [begin, *(EpochEvent(t=t, train_s=span, validation_s=0.0) for t, span in known)]


def _series(calls: Sequence[CallsEvent]) -> Iterator[dict[str, Any]]:
    """Each way of calling at each batch, with the percentiles of its calls, in the order in which they were made."""
    parts: dict[tuple[str, int], list[CallsEvent]] = {}
    for each in calls:
        batch = number(each.batch)
        if each.way and batch is not None and 1 <= batch < 2**31:
            parts.setdefault((each.way, int(batch)), []).append(each)
    for (way, batch), its in parts.items():
        times = [time for part in its for value in part.seconds if (time := number(value)) is not None and time > 0]
        if times:
            yield {"way": way, "batch": batch, **_figures(times, batch), **_begun(its[0])}


def _figures(times: Sequence[float], batch: int) -> dict[str, Any]:
    found = np.percentile(np.array(times, dtype=float), SPREAD)
    known: dict[int, float | None] = {
        percent: 1000 * float(value) for percent, value in zip(SPREAD, found, strict=True)
    }
    if len(times) < ENOUGH_FOR_P99:
        known |= dict.fromkeys(OUTER)
    return {
        "n": len(times),
        **{f"p{percent}_ms": known[percent] for percent in (50, 95, 99)},
        "spread_ms": [known[percent] for percent in SPREAD],
        "per_s": batch * len(times) / sum(times),
    }


def _begun(first: CallsEvent) -> dict[str, Any]:
    return {"first_s": number(first.first_s), "warm_ups": number(first.warm_ups)}


def _fastest(series: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return min(series, key=lambda each: each["p50_ms"], default={})


def _output(output: OutputEvent) -> dict[str, Any]:
    if output.tokens:
        return {"way": output.way, "tokens": [number(each) for each in output.tokens[:VALUES]]}
    values = [number(each) for each in output.values[:VALUES]]
    return {"way": output.way, "shape": output.shape, "size": output.size, "norm": output.norm, "values": values}
