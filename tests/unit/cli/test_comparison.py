"""A comparison on a terminal: one line per cell, then what it comes to."""

from __future__ import annotations

import pytest

from orchestrator.cli.comparison import comparison_text
from orchestrator.stats.compare import compare
from tests.make import row


def rows(seconds, workload="mnist_mlp", **more):
    return [row(workload=workload, repeat=n, epoch_s=s, **more) for n, s in enumerate(seconds, 1)]


def test_every_cell_is_a_line_with_both_times_their_ratio_and_the_verdict():
    first = rows([1.0, 1.01, 0.99]) + rows([2.0, 2.01, 1.99], "mnist_cnn")
    second = rows([1.5, 1.51, 1.49]) + rows([2.0, 2.01, 1.99], "mnist_cnn")
    text = comparison_text(compare(first, second), 0.05, columns=200)
    lines = text.splitlines()
    (mlp,) = [line for line in lines if line.strip().startswith("mnist_mlp")]
    (cnn,) = [line for line in lines if line.strip().startswith("mnist_cnn")]
    assert "1.50 " in mlp and "times as long" in mlp and "3, 3" in mlp
    assert "1.00 " in cnn and "slower" not in cnn
    assert lines[-1].startswith("1 cell regressed by more than 5 %: mnist_mlp")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_of_the_table_is_longer_than_the_terminal(columns):
    first, second = rows([1.0, 1.01, 0.99]), rows([1.5, 1.51, 1.49])
    text = comparison_text(compare(first, second), columns=columns)
    assert max(map(len, text.splitlines())) <= columns
    none = comparison_text(compare(first, rows([1.0, 1.1], scale="other", epochs=99)), 0.05, columns=columns)
    assert max(map(len, none.splitlines())) <= columns and "FAILED: no cell could be compared" in none
    assert "takes 1.4" in " ".join(text.split())


def test_a_cell_that_no_longer_runs_is_no_ratio_but_a_regression():
    broken = rows([None], status="failed", reason="x")
    text = comparison_text(compare(rows([1.0]), broken), 0.05)
    assert "BROKEN" in text
    assert "1 cell regressed" in text


def test_names_in_the_table_are_shown_as_they_are():
    text = comparison_text(compare(rows([1.0], "[red]net"), rows([2.0], "[red]net")))
    assert "[red]net" in text


def test_without_cells_there_is_nothing_to_compare():
    assert comparison_text([]).rstrip().endswith("FAILED: no cell could be compared: there are none")
