"""The one status of every end that a job can come to."""

from __future__ import annotations

import pytest

from orchestrator.measure.job import verdict
from orchestrator.model import Exit
from tests.make import make_job

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
