"""`orchestrate clean`: what its options ask for, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.run import clean as cleaning


def test_cleaning_without_an_engine_says_so_plainly(orchestrate):
    assert "nothing to clean" in orchestrate("clean").stdout


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], (False, False, False, Path("results"))),
        (["--images"], (True, False, False, Path("results"))),
        (["--caches", "--dry-run", "--out", "x"], (False, True, True, Path("x"))),
    ],
)
def test_nothing_is_removed_that_was_not_asked_for(orchestrate, monkeypatch, words, asked):
    seen = []

    def clean(*given):
        seen.append(given)
        yield "removed one"
        yield "could not remove another: in use"

    monkeypatch.setattr(cleaning, "clean", clean)
    answer = orchestrate("clean", *words)
    assert seen == [asked]
    assert (answer.returncode, answer.stdout) == (0, "removed one\ncould not remove another: in use\n")
