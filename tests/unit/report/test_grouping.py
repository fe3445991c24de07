"""Groups keep the positions of their rows, and words their number."""

from __future__ import annotations

import pytest

from orchestrator.report.grouping import group, in_words, varying


def test_group_keeps_the_positions():
    assert group([{"a": 1}, {"a": 2}, {"a": 1}], ["a"]) == [({"a": 1}, [0, 2]), ({"a": 2}, [1])]


def test_what_is_not_known_joins_the_only_group_that_it_does_not_contradict():
    rows = [{"a": 1, "b": 1}, {"a": None, "b": 1}, {"a": 2, "b": 2}, {"a": None, "b": None}]
    assert [members for _, members in group(rows, ["a", "b"])] == [[0, 1], [2], [3]]


def test_only_known_values_vary():
    assert varying([{"a": 1, "b": None, "c": 1}, {"a": 2, "b": 1, "c": 1}]) == {"a"}
    assert varying([]) == set()


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("{} threads", 1, "1 thread"),
        ("{} cores", 2, "2 cores"),
        ("{:,} samples", 1, "1 sample"),
        ("{:,} samples", 1024, "1,024 samples"),
        ("{}", 1, "1"),
    ],
)
def test_one_is_singular(text, value, words):
    assert in_words(text, value) == words
