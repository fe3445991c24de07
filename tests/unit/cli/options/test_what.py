"""What is run: each option is a field of the configuration, and arguments of a script are part of it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from orchestrator.cli.options import CONFIGURATION, FILES, OUT, command, run_request
from orchestrator.errors import UserError


def asked(*words):
    """The configuration that these words ask for."""
    seen = []

    @command()
    @FILES
    @CONFIGURATION
    @OUT
    def ask(**given):
        seen.append(run_request(given).config)

    result = CliRunner().invoke(ask, list(words), standalone_mode=False)
    if result.exception:
        raise result.exception
    return seen[0]


def test_patterns_amounts_and_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.py").touch()
    config = asked(
        *["my.py", "--backend", "j*", "--stack", "keras3-*", "--scale", "smoke", "--epochs", "3", "--steps", "2"]
    )
    assert (config.backends, config.stacks, config.scale, config.steps) == (
        ["j*"], ["keras3-*"], "smoke", 2,
    )  # fmt: skip
    assert config.workloads == [str(tmp_path / "my.py")] and config.arguments == [] and not config.network


def test_arguments_of_a_script_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.py").touch()
    words = ["--lr", "0.1", "--name", "", "--repeats", "x", "a b;$(c)", "--", "é\n"]
    assert asked("my.py", "--", *words).arguments == words


@pytest.mark.parametrize("word", ["https://me:secret1@host/x", "hf_abcdefghijklmnopqrstuv", "-k=AKIAABCDEFGHIJKLMNOP"])
def test_a_secret_among_them_is_refused_because_it_would_be_on_record(tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.py").touch()
    with pytest.raises(UserError, match="argument 2 for the script looks like a password") as caught:
        asked("my.py", "--", "--key", word)
    assert word not in str(caught.value)
