"""What is said to the person who watches: as it is, one line, and never on standard output."""

from __future__ import annotations

import pytest

from orchestrator.cli.console import say


@pytest.mark.parametrize(
    "line",
    [
        "stacks [red] and [/] and [keras3-jax] are names",
        "a path without end: /" + "x" * 500,
    ],
)
def test_a_line_is_said_as_it_is(capsys, line):
    say(line)
    assert capsys.readouterr() == ("", line + "\n")
