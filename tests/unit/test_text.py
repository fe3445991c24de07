"""Text for people."""

from __future__ import annotations

import pytest

from orchestrator.text import duration, listed, plural, printable, suggest


def test_what_a_job_says_does_not_steer_the_terminal():
    assert printable("a\x1b[31mb\r\nc\x07") == "a [31mb  c "
    assert printable("abcdef", 3) == "abc"


def test_a_misspelt_name_gets_the_closest_one_else_what_is_known():
    assert suggest("podmen", ["docker", "podman"]) == "did you mean 'podman'?"
    assert suggest("x", iter(["docker", "podman"])) == "known: docker, podman"
    assert suggest("x", ["docker"], "see the list") == "see the list"


def test_counts():
    assert [plural(number, "epoch") for number in (0, 1, 4096)] == ["0 epochs", "1 epoch", "4,096 epochs"]


def test_lists():
    assert [listed("abc"[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (42, "42 s"), (185, "3 min 05 s"), (3599.6, "1 h 00 min"), (7620, "2 h 07 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
