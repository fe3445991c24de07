"""What click finds wrong has the form of every other error: what is wrong, and what to do."""

from __future__ import annotations

import click
import pytest

from orchestrator.cli.app import cli
from orchestrator.cli.mistakes import in_our_words


def mistake(*words) -> tuple[str, str]:
    with pytest.raises(click.ClickException) as caught:
        cli.main(list(words), prog_name="orchestrate", standalone_mode=False)
    found = in_our_words(caught.value)
    assert found.exit_code == 2
    return found.message, found.hint


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["run", "--scal", "quick"], "there is no option --scal", "did you mean --scale?"),
        (["run", "--xyzzy"], "there is no option --xyzzy", "`orchestrate run --help` explains it"),
        (["run", "my.py", "--lr", "1"], "there is no option --lr",
         "an option of the script comes after `--`: orchestrate my.py -- --lr"),
        (["plna"], "no such command 'plna'", "did you mean plan?"),
        (["data", "fech"], "no such command 'fech'", "did you mean fetch?"),
        (["run", "--epochs", "many"], "--epochs: 'many' is not a whole number from 1 to 10,000",
         "`orchestrate run --help` explains it"),
        (["run", "--until", "2"], "--until: '2' is no percentage: write it with its sign, such as 5%",
         "`orchestrate run --help` explains it"),
        (["run", "--device", "gup"], "--device: 'gup' is not one of 'auto', 'cpu', 'gpu'", "did you mean gpu?"),
        (["plan", "--root", "/nowhere"], "--root: directory '/nowhere' does not exist", "name a folder that is there"),
        (["compare"], "FIRST is missing", "`orchestrate compare --help` explains it"),
        (["merge", "--to"], "--to: requires an argument", "`orchestrate --help` explains it"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_what_to_do(words, message, hint):
    assert mistake(*words) == (message, hint)


def test_one_that_knows_no_command_still_has_a_hint():
    assert in_our_words(click.UsageError("Odd thing.")).hint == "`orchestrate --help` explains it"
