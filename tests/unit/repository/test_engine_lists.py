"""No list of what an engine has fails because something of it was removed meanwhile.

The Docker SDK lists ids first and then asks for each: one that went in between is an error of the whole list.
"""

from __future__ import annotations

import ast

import pytest

from tests.conftest import ROOT

FILES = sorted({*(ROOT / "orchestrator").rglob("*.py"), *(ROOT / "tests").rglob("*.py")})


def racy(source: str) -> list[int]:
    """The lines of lists that fail if a container or an image goes while they are made."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "list":
            continue
        kind = getattr(call.func.value, "attr", "")
        told = any(keyword.arg == "ignore_removed" for keyword in call.keywords)
        if kind == "images" or (kind == "containers" and not told):
            found.append(call.lineno)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_list_fails_by_what_went_meanwhile(path):
    assert racy(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("client.containers.list(all=True)", [1]),
        ("client.containers.list(all=True, ignore_removed=True)", []),
        ("own.client().images.list()", [1]),
        ("client.volumes.list()", []),
        ("list(images)", []),
    ],
)
def test_the_test_itself(call, found):
    assert racy(call) == found
