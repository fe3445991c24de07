"""A job's log: bounded, and never a reason for the job to wait."""

from __future__ import annotations

import os

from orchestrator.launchers import log


def test_a_log_that_cannot_be_written_never_holds_up_the_job(tmp_path, monkeypatch):
    seen = []

    def chunks():
        for i in range(5):
            seen.append(i)
            yield b"x"

    log.pump(chunks(), tmp_path / "nowhere" / "log")
    assert seen == [0, 1, 2, 3, 4]
    seen.clear()
    monkeypatch.setattr(log.doors, "create", lambda path: os.open("/dev/full", os.O_WRONLY))
    log.pump(chunks(), tmp_path / "log")
    assert seen == [0, 1, 2, 3, 4]


def test_a_log_is_cut_at_its_limit_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "LOG_LIMIT", 10)
    seen = []

    def chunks():
        for i in range(5):
            seen.append(i)
            yield b"abcd"

    log.pump(chunks(), tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == b"abcdabcdab\n[log cut here: it exceeds 16 MiB]\n"
    assert seen == [0, 1, 2, 3, 4], "the rest is read all the same"


def test_a_log_of_just_the_limit_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "LOG_LIMIT", 8)
    log.pump(iter([b"abcd", b"efgh"]), tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == b"abcdefgh"
