"""Who beats whom: verdicts of each contender against each, corrected together."""

from __future__ import annotations

from orchestrator.report.pairs import boards
from tests.make import row
from tests.unit.report.makers import contender, ranked


def test_sure_wins_losses_and_what_is_not_told_apart():
    rows = contender("tensorflow", 1.0, 1.01, 0.99, 1.0, 1.02)
    rows += contender("jax", 2.0, 2.01, 1.99, 2.0, 2.02, framework_version="0.10")
    rows += contender("torch", 2.0, 2.02, 2.0, 1.98, 2.01, framework_version="2.13")
    layout, speeds = ranked(rows, lambda row: [row["epoch_s"]])
    (board,) = boards(layout, speeds)
    labels = [layout.contenders[column].label for column in board.columns]
    assert labels[0] == "TensorFlow 1.3.0"
    first, second, third = board.columns
    assert board.scores[first, second].text == "1–0" and board.scores[second, first].text == "0–1"
    assert board.scores[second, third].text == "0–0 (1)"


def test_one_repeat_counts_medians_and_says_so():
    rows = contender("tensorflow", 1.0) + contender("jax", 2.0, framework_version="0.10")
    layout, speeds = ranked(rows, lambda row: [row["epoch_s"]])
    (board,) = boards(layout, speeds)
    assert board.scores[board.columns[0], board.columns[1]].text == "1–0 ?"


def test_nobody_to_beat_is_no_board():
    layout, speeds = ranked([row()])
    assert boards(layout, speeds) == []
