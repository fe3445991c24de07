"""The help: every command fits 80 columns, nothing is cut, options are grouped, and each says its default."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from orchestrator.cli.app import VERBS, cli
from orchestrator.cli.options.command import EARLIER, GROUPS, IMAGES, MOST_USED, OWN_FILES, SLURM, Command, Option


def commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {"": cli}
    for verb in VERBS:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        found[verb] = command
        if isinstance(command, click.Group):
            found |= {f"{verb} {name}": each for name, each in command.commands.items()}
    return found


COMMANDS = commands()


def help_of(words: str, columns: int) -> str:
    argv, shown = [*words.split(), "--help"], {"COLUMNS": str(columns)}
    return CliRunner(env=shown).invoke(cli, argv, prog_name="orchestrate", standalone_mode=False).output


@pytest.mark.parametrize(("words", "columns"), list(itertools.product(COMMANDS, (80, 100, 200))))
def test_help_fits_the_terminal_and_cuts_nothing(words, columns):
    text = help_of(words, columns)
    assert text.startswith("Usage: orchestrate")
    assert [line for line in text.splitlines() if len(line) > columns] == []
    assert not re.search(r"\w\.\.\.$", text.partition("Commands:")[2], re.M)


def test_every_command_is_one_of_ours():
    assert {name for name, each in COMMANDS.items() if not isinstance(each, Command | click.Group)} == set()


def test_the_most_used_come_first_and_the_groups_in_their_order():
    text = help_of("run", 100)
    titles = [line[:-1] for line in text.splitlines() if line[:1].isalpha() and line.endswith(":")]
    assert titles == list(GROUPS)
    used = text.partition(f"{MOST_USED}:")[2].partition("\n\n")[0]
    assert len(re.findall(r"^  -", used, re.M)) == 8
    groups = {option.name: option.group for option in COMMANDS["run"].params if isinstance(option, Option)}
    found = {groups[name] for name in ("steps", "cuda_dir", "partition", "resume")}
    assert found == {OWN_FILES, IMAGES, SLURM, EARLIER}
    assert "[FILE]" not in text.partition("Most used:")[2]


@pytest.mark.parametrize("words", ["run", "plan", "doctor", "build"])
def test_every_option_that_takes_a_value_says_its_default(words):
    silent = [
        option.opts[0]
        for option in COMMANDS[words].params
        if isinstance(option, Option) and not option.is_flag and option.flag_value is None
        if "[default:" not in (option.help or "") and not option.show_default
    ]
    assert silent == ["--sample-hz"] * (words != "build") or silent == []


def test_bounds_and_folders_are_told_in_our_words():
    """A mistake names the bounds (`values.Number`); help says FOLDER, never DIRECTORY; --price has a group."""
    options = [each for command in COMMANDS.values() for each in command.params if isinstance(each, click.Option)]
    assert [each.opts for each in options if isinstance(each.type, click.IntRange | click.FloatRange)] == []
    assert [words for words in COMMANDS if "DIRECTORY" in help_of(words, 200)] == []
    assert all(isinstance(each, Option) for each in options if "--price" in each.opts)


def test_a_run_is_watched_beside_attach():
    verbs = list(VERBS)
    assert verbs.index("watch") == verbs.index("attach") + 1


def test_help_lists_each_verb_with_the_first_line_of_its_own_help():
    assert {verb: COMMANDS[verb].get_short_help_str(limit=200) for verb in VERBS} == VERBS
    listed = " ".join(help_of("", 100).split())
    assert all(f"{verb} {line}" in listed for verb, line in VERBS.items())


@pytest.mark.parametrize(
    ("done", "without"),
    [
        ("from orchestrator.cli import app; app.cli(['--help'], standalone_mode=False)", "rich numpy jinja2 packaging"),
        ("import orchestrator.cli.verbs.run", "numpy jinja2 packaging http.client duckdb"),
    ],
    ids=["help", "run"],
)
def test_nothing_is_loaded_long_before_it_is_needed(done: str, without: str):
    """Each of these takes a tenth of what people wait for before a command says something."""
    program = f"import sys; {done}; print('loaded', *[m for m in {without.split()!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "loaded"


def test_examples_of_every_command_that_needs_them():
    for words in ("", "run", "plan", "doctor", "report", "compare", "merge", "query", "replay", "verify", "build"):
        assert "Examples:\n    orchestrate" in help_of(words, 80).replace("Examples:\n      ", "Examples:\n    "), words


def test_what_stands_behind_two_dashes_is_the_scripts_own():
    seen = {}

    @click.command(cls=Command)
    @click.argument("files", nargs=-1)
    @click.option("--epochs", type=int)
    def own(**given):
        seen.update(given)

    CliRunner().invoke(own, ["a.py", "--epochs", "2", "b.py", "--", "--epochs", "9", "--", ""])
    assert seen == {"files": ("a.py", "b.py"), "epochs": 2, "arguments": ("--epochs", "9", "--", "")}
    CliRunner().invoke(own, ["a.py"])
    assert seen["arguments"] == ()
