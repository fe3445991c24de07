"""What README, CONTRIBUTING and docs/ tell people to type or to open exists."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from orchestrator.cli.app import VERBS, cli
from orchestrator.plan.config import presets
from tests.conftest import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "docker" / "CUDA.md",
]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
#: What the commands of the pages name: they are parsed in a folder where these exist.
FOLDERS = ("results/RUN/jobs/JOB", "results/RUN1", "results/RUN2", "results/all", "results/latest", "home/cuda-8.0")
FILES = (
    "images.tar.gz",
    "reviews.csv",
)
#: Options of other programs that the pages mention.
FOREIGN = {
    *("--array", "--clusters", "--exclude", "--mem", "--no-requeue", "--nodes", "--qos", "--requeue", "--no-requeue"),
    *("--gpus", "--nv", "--runtime", "--userns", "--volume"),
}


def blocks(name: str, programs: str) -> list[str]:
    """The lines of a page's code blocks that call one of these programs, without their comments."""
    lines = re.findall(rf"^ {{4,}}((?:{programs})\b.*)$", TEXTS[name], re.MULTILINE)
    return [re.split(r"\s+#", line)[0].strip() for line in lines]


def spans(name: str) -> list[str]:
    """The pieces of code within the sentences of a page."""
    sentences = re.sub(r"^```.*?^```$", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`]+)`", re.sub(r"^ {4,}.*$", "", sentences, flags=re.MULTILINE))


def resolved(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """The verb that a command line calls, its context, and the words that are left for it."""
    context = cli.make_context("orchestrate", words)
    name, command, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
    while isinstance(command, click.Group):
        context = command.make_context(name, rest, parent=context)
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None
    return command, context, rest


def options_of(command: click.Command) -> set[str]:
    if isinstance(command, click.Group):
        inner = (command.get_command(click.Context(command), name) for name in command.list_commands(None))
        return set().union(*(options_of(found) for found in inner if found))
    return {"--help", *(option for parameter in command.params for option in parameter.opts)}


OPTIONS = {"--version", *options_of(cli)}
COMMANDS = [(name, line) for name in TEXTS for line in dict.fromkeys(blocks(name, "orchestrate"))]
MAKES = [(name, line) for name in TEXTS for line in dict.fromkeys(blocks(name, "make"))]


def test_the_two_commands_come_first():
    assert blocks("README.md", "make|orchestrate")[:2] == ["make bench-all", "make test"]


def test_the_pages_are_read():
    assert len(COMMANDS) > 50
    assert len([span for name in TEXTS for span in spans(name)]) > 500


@pytest.mark.parametrize(("page", "command"), MAKES)
def test_make_targets_exist(page, command):
    assert command.split()[1] in TARGETS


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_parse(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in FOLDERS:
        (tmp_path / name).mkdir(parents=True)
    for name in FILES:
        (tmp_path / name).touch()
    home = str(tmp_path / "home")
    words = [word.replace("$HOME", home).replace("~/", f"{home}/") for word in shlex.split(command)[1:]]
    verb, context, rest = resolved(words)
    verb.make_context(verb.name, rest, parent=context)


@pytest.mark.parametrize("page", TEXTS)
def test_commands_in_sentences_name_verbs_and_options_that_exist(page):
    for span in spans(page):
        words = span.split()
        if words[0] == "orchestrate" and len(words) > 1:
            verb = "run" if words[1].startswith("-") else words[1]
            assert verb in {*VERBS, "VERB", "NAME"}, span
        if words[0] == "make":
            assert len(words) == 1 or words[1] in TARGETS, span
        if words[0] == "orchestrate" or words[0].startswith("--"):
            ours = words[: words.index("--")] if "--" in words else words  # what follows is a script's own
            named = {re.split("[=|]", word)[0] for word in ours if word.startswith("--")}
            assert named <= OPTIONS | FOREIGN, span


def test_every_preset_is_explained():
    table = set(
        re.findall(r"^\| `([a-z0-9-]+)`", TEXTS["docs/USAGE.md"].split("## Presets")[1].split("\n## ")[0], re.MULTILINE)
    )
    assert table == set(presets())


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXTS[page]) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_the_index_names_every_page():
    named = set(re.findall(r"\]\(([A-Z]+\.md)\)", TEXTS["docs/README.md"]))
    assert named == {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("page", TEXTS)
def test_files_that_are_named_exist(page):
    """A path in backquotes is from the repository's root, or from orchestrator/."""
    named = [span for span in spans(page) if re.fullmatch(r"[a-z_0-9]+(/[\w.-]+)+\.(py|yaml|md|j2|c|sh|cfg)", span)]
    named = [path for path in named if "NAME" not in path and path != "docker/__init__.py"]
    places = (ROOT, ROOT / "orchestrator")
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


def test_the_tree_shows_every_folder():
    tree = TEXTS["docs/ARCHITECTURE.md"].split("## The direction")[0]
    folders = {path.parent.name for path in (ROOT / "orchestrator").glob("*/__init__.py")}
    assert set(re.findall(r"^ {6}(\w+)/", tree, re.MULTILINE)) == folders
    assert {path.name for path in (ROOT / "orchestrator").glob("*.py")} <= set(re.findall(r"\b\w+\.py\b", tree))


def test_what_is_short_stays_short():
    assert len(TEXTS["README.md"].splitlines()) <= 90
    assert len(TEXTS["docs/ARCHITECTURE.md"].splitlines()) <= 120
