"""What a stranger's job wrote, read as typed fields: wrong types are absent, nothing raises, the record stays."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.events import decode_event
from orchestrator.model import to_json
from orchestrator.results import job_events as events
from orchestrator.results.job_events import KINDS, EpochEvent, job_events, number, read, read_event
from tests.make import make_job, make_result

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = sorted({name for kind in KINDS.values() for name in kind.__struct_fields__})


def test_a_good_job_reads_as_it_was_written():
    found = job_events(make_result(make_job(), error={"type": "ValueError", "message": "no"}))
    assert (found.start.t, found.start.python) == (91.0, "2.7.18")
    assert (found.data.sha256, found.data.train, found.data.validation) == ("2" * 64, [60, 784], [[20, 5], [20, 9]])
    assert (found.ready.framework_version, found.ready.parameters) == ("0.9.0", 10)
    assert found.phases["fit_setup"] == 0.25
    assert [(e.epoch, e.train_s, e.samples) for e in found.epochs] == [(1, 5.0, 64), (2, 2.0, 64), (3, 3.0, 64)]
    assert (found.end.elapsed_s, found.end.caches) == (12.0, {"/cache": {"before": 3, "after": 3}})
    assert (found.error.type, found.error.message) == ("ValueError", "no")


def test_what_was_never_reported_has_no_field():
    found = job_events(make_result(make_job(), start={}, data={}, ready={}, phases={}, epochs=[], end={}))
    assert (found.start.t, found.data.train, found.ready.keras_version, found.epochs) == (None, [], None, [])
    assert (found.end.caches, found.error.type) == ({}, "error")


def test_one_wrong_field_costs_no_other():
    event = {"t": True, "epoch": "1", "train_s": [2.0], "loss": {}, "acc": None, "val_acc": 0.5, "samples": 2**64}
    assert read(EpochEvent, event) == EpochEvent(val_acc=0.5)


def test_a_whole_number_stays_whole():
    found = read(EpochEvent, {"loss": 1, "acc": 1.0, "val_loss": 2**64 - 1})
    assert [type(value) for value in (found.loss, found.acc, found.val_loss)] == [int, float, int]


def test_text_is_taken_from_any_value():
    assert read(events.StartEvent, {"python": 3.11}).python == "3.11"
    assert read(events.StartEvent, {"python": None, "t": "x"}).python is None
    assert read(events.ErrorEvent, {"type": None, "message": ["a"]}) == events.ErrorEvent(type="None", message="['a']")


def test_only_known_kinds_are_events():
    assert read_event({"event": "epoch_end", "epoch": 1}) == EpochEvent(epoch=1)
    assert read_event({"event": "mine", "t": 1.0}) is None
    assert read_event({"event": ["end"]}) is None
    assert read_event({}) is None


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
@given(raw=st.dictionaries(st.sampled_from(names) | st.text(max_size=5), values, max_size=12))
def test_any_values_are_read_and_numbers_are_finite(kind, raw):
    found = read(kind, raw)
    for name in kind.__struct_fields__:
        value = getattr(found, name)
        assert isinstance(value, int | float | str | list | dict | None)
        if isinstance(value, int | float):
            assert math.isfinite(value)
            assert value == raw[name] == number(value)


@given(st.dictionaries(st.sampled_from(names), values, max_size=12))
def test_the_record_keeps_every_value_as_it_was_written(raw):
    event = decode_event(json.dumps({**raw, "event": "end", "t": 1.0}).encode())
    if event is not None:  # NaN and numbers that no float can hold make it a bad line
        result = make_result(make_job(), end=event)
        job_events(result)
        again = msgspec.json.decode(to_json(result), type=type(result))
        assert again.end == event
        assert to_json(again) == to_json(result)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(1, 1), (0.5, 0.5), (2**64 - 1, 2**64 - 1), (-(2**63), -(2**63))],
        *[(True, None), ("1", None), (None, None), (2**64, None), (10**400, None), ([1], None)],
        *[(math.nan, None), (math.inf, None)],
    ],
)
def test_only_finite_numbers_count(value, expected):
    assert number(value) == expected
