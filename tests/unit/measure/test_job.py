"""A job that is not trusted: half lines, garbage, links; and the one status of every end it can come to."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.files import last_line
from orchestrator.measure.events import LINE_LIMIT, EventTail
from orchestrator.measure.job import digest_events, verdict
from orchestrator.model import Exit
from tests.make import make_job


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


GOOD = [{"event": "epoch_end", "t": 1}, {"event": "epoch_end", "t": 2}, {"event": "end", "t": 3}]
ERROR = {"event": "error", "t": 3, "type": "ValueError", "message": "planted\nfault"}


@pytest.mark.parametrize(
    ("exit_", "events", "status", "words"),
    [
        (Exit(code=0), GOOD, "ok", ""),
        (Exit(code=0), GOOD[:2], "failed", "without a result"),
        (Exit(code=0), GOOD[1:], "failed", "1 epochs of 2"),
        (Exit(code=1), [ERROR], "failed", "ValueError: planted fault"),
        (Exit(code=1), [], "failed", "exit code 1: the last words"),
        (Exit(code=137), GOOD[:1], "failed", "SIGKILL"),
        (Exit(code=137, oom=True), GOOD[:1], "oom", "memory"),
        (Exit(code=137, timed_out=True), GOOD, "timeout", "60 s"),
        (Exit(code=137, cancelled=True), GOOD[:1], "cancelled", "user"),
        (Exit(error="image x is missing"), [], "failed", "image x is missing"),
        (Exit(code=999), [], "failed", "exit code 999"),
    ],
)
def test_every_end_has_one_status_and_a_reason(tmp_path, exit_, events, status, words):
    log = tmp_path / "log.txt"
    log.write_bytes(b"first\nthe last words\n\n")
    found, reason = verdict(make_job(), exit_, events, [], log)
    assert found == status
    assert words in reason
    assert "\n" not in reason


def test_unreadable_lines_are_told_even_when_all_went_well(tmp_path):
    assert verdict(make_job(), Exit(code=0), GOOD, ["3 unreadable"], tmp_path / "log") == ("ok", "3 unreadable")


def test_last_line_of_a_log(tmp_path):
    log = tmp_path / "log.txt"
    assert last_line(log) == ""
    log.write_bytes(b"\xff\xfe one\n two \n\n")
    assert last_line(log) == "two"


def test_events_become_the_parts_of_a_result():
    phases = [{"event": "phase", "t": 1, "name": "import", "seconds": 2}, {"event": "phase", "t": 1, "name": "x"}]
    parts = digest_events([{"event": "start", "t": 0}, *phases, *GOOD, {"event": "unknown", "t": 4}])
    assert parts["phases"] == {"import": 2.0}
    assert len(parts["epochs"]) == 2
    assert parts["end"]["t"] == 3
