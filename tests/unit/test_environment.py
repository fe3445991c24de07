"""The list of variables is whole: the code reads no other, and docs/HOSTS.md says the same of each."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from orchestrator.environment import VARIABLES
from tests.conftest import ROOT

#: A read of a variable by its name: environ["X"], environ.get("X"), "X" in os.environ, getenv("X").
READS = re.compile(
    r"""(?:environ(?:ment)?\)?(?:\.get\(|\.setdefault\(|\[)\s*|getenv\(\s*)["'](\w+)["']|["'](\w+)["']\s+(?:not\s+)?in\s+os\.environ"""
)


def listed() -> list[str]:
    return [name for each in VARIABLES for name in each.names]


def test_the_code_reads_no_variable_that_is_not_listed():
    files = [*(ROOT / "orchestrator").rglob("*.py"), *(ROOT / "workloads").rglob("*.py")]
    read = {name for file in files for found in READS.findall(file.read_text()) for name in found if name}
    assert len(read) > 12
    assert {name for name in read if not any(fnmatchcase(name, pattern) for pattern in listed())} == set()


def test_the_document_says_the_same_of_each():
    text = (ROOT / "docs" / "HOSTS.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    theirs = {tuple(re.findall(r"`([^`]+)`", names)): use for names, use in rows}
    assert theirs == {each.names: each.use for each in VARIABLES}
