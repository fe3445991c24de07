"""What the README tells people to type exists."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from orchestrator.cli.app import cli
from orchestrator.plan.config import presets
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip() for line in re.findall(r"^    ((?:make|orchestrate)\b.*)$", README, re.MULTILINE)
]
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_two_commands_come_first():
    assert COMMANDS[:2] == ["make bench-all", "make test"]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_make_targets_exist(command):
    assert command.split()[1] in TARGETS


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("orchestrate")])
def test_commands_parse(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for run in ("RUN1", "RUN2"):
        (tmp_path / "results" / run).mkdir(parents=True)
    words = shlex.split(command)[1:]
    with cli.make_context("orchestrate", words) as context:
        name, sub, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
        while isinstance(sub, click.Group):
            inner = sub.make_context(name, rest, parent=context)
            name, sub, rest = sub.resolve_command(inner, [*inner._protected_args, *inner.args])
        sub.make_context(name, rest, parent=context)


def test_every_preset_is_explained():
    table = set(re.findall(r"^\| `([a-z0-9-]+)`", README, re.MULTILINE))
    assert table == set(presets())


def test_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
