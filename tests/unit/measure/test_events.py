"""A job is not trusted: half lines, garbage and links in place of its events."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.events import (
    LINE_LIMIT,
    LINE_VALUES,
    VALUES_LIMIT,
    EventTail,
    decode_event,
    sort_events,
    values,
)


def line(event, **fields):
    return json.dumps({"event": event, "t": 1.0, **fields}).encode() + b"\n"


def test_half_lines_wait_for_their_end(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read() == []
    whole = line("start")
    path.write_bytes(whole[:10])
    assert tail.read() == []
    path.write_bytes(whole + line("end"))
    assert [event["event"] for event in tail.read()] == ["start", "end"]
    assert tail.bad == 0


def test_the_last_line_may_lack_its_end_of_line(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("start") + line("end").rstrip())
    assert [event["event"] for event in EventTail(path).read(last=True)] == ["start", "end"]


def test_no_good_line_is_lost_beside_bad_ones(tmp_path):
    path = tmp_path / "events.jsonl"
    bad = b"garbage\n\x00\xff\n[1]\n{}\n" + json.dumps({"event": 1, "t": 0}).encode() + b"\n\n"
    path.write_bytes(bad + line("start") + b"{" * 1000 + b"\n" + line("end"))
    tail = EventTail(path)
    assert [event["event"] for event in tail.read()] == ["start", "end"]
    assert tail.bad == 6


def test_an_endless_line_is_dropped_and_the_next_is_read(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    path.write_bytes(b"x" * (LINE_LIMIT + 1))
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(b"yyy\n" + line("end"))
    assert [event["event"] for event in tail.read()] == ["end"]
    assert tail.bad == 1


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_plain_file_is_not_read(tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_bytes(line("end"))
    path = tmp_path / "events.jsonl"
    {"link": lambda: path.symlink_to(secret), "fifo": lambda: os.mkfifo(path), "folder": path.mkdir}[kind]()
    assert EventTail(path).read(last=True) == []


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_in_any_pieces_raise_nothing(tmp_path_factory, content, size):
    path = tmp_path_factory.mktemp("t") / "events.jsonl"
    tail = EventTail(path)
    content += b"\n" + line("end")
    for i in range(0, len(content), size):
        with path.open("ab") as file:
            file.write(content[i : i + size])
        events = tail.read()
    events += tail.read(last=True)
    assert events[-1]["event"] == "end"


@pytest.mark.parametrize(
    "text", ["1", "null", '{"t": 1}', '{"event": "x"}', '{"event": 3, "t": 1}', '{"event": "x", "t": true}']
)
def test_a_line_without_kind_and_time_is_no_event(text):
    assert decode_event(text.encode()) is None


def test_unknown_fields_are_kept_as_they_are_and_unknown_kinds_are_left_out(tmp_path):
    event = {"event": "end", "t": 1.5, "what": [{"deep": None}]}
    assert decode_event(json.dumps(event).encode()) == event
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("mine") + line("end"))
    tail = EventTail(path)
    assert [event["event"] for event in tail.read()] == ["end"]
    assert (tail.bad, tail.full) == (0, False)


def test_the_values_of_a_line_and_of_all_lines_are_bounded(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("epoch_end", x=[{}] * LINE_VALUES) + line("epoch_end", x=[{}] * (LINE_VALUES - 4)))
    tail = EventTail(path)
    assert [len(event["x"]) for event in tail.read()] == [LINE_VALUES - 4]
    assert (tail.bad, tail.full) == (1, False)
    path.write_bytes(line("epoch_end", x=[[[0] * 400]]) * (VALUES_LIMIT // 400))
    tail = EventTail(path)
    kept = tail.read()
    assert sum(map(values, kept)) <= VALUES_LIMIT
    assert tail.full
    assert len(kept) > VALUES_LIMIT // 500


def test_events_become_the_parts_of_a_result():
    phases = [{"event": "phase", "t": 1, "name": "import", "seconds": 2}, {"event": "phase", "t": 1, "name": "x"}]
    others = [{"event": "unknown", "t": 4}, {"event": "end", "t": 5, "more": 1}]
    epochs = [{"event": "epoch_end", "t": 1}, {"event": "epoch_end", "t": 2}]
    parts = sort_events([{"event": "start", "t": 0}, *phases, *epochs, {"event": "end", "t": 3}, *others])
    assert parts["phases"] == {"import": 2.0}
    assert parts["epochs"] == epochs
    assert parts["end"] == {"event": "end", "t": 5, "more": 1}  # the last one
    assert (parts["ready"], parts["error"]) == ({}, {})
