"""Text for people."""

from __future__ import annotations

from orchestrator.text import printable


def test_what_a_job_says_does_not_steer_the_terminal():
    assert printable("a\x1b[31mb\r\nc\x07") == "a [31mb  c "
