"""No file and no program is read in the encoding of whoever's locale: each call says its own."""

from __future__ import annotations

import ast

import pytest

from tests.conftest import ROOT

#: Calls whose text is in the locale's encoding unless they say otherwise.
TEXT = ("read_text", "write_text")
PROGRAMS = ("text", "universal_newlines")
#: Their `open` has modes of its own.
ARCHIVES = ("tarfile", "gzip")
#: Runs in the Python of any image, where `open` may know no encoding.
ANY_PYTHON = ROOT / "orchestrator" / "launchers" / "trial" / "script.py"
FILES = sorted({*(ROOT / "orchestrator").rglob("*.py")} - {ANY_PYTHON})


def unsaid(source: str) -> list[int]:
    """The lines of calls that leave the encoding to the locale."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        names = {keyword.arg for keyword in call.keywords}
        if "encoding" in names:
            continue
        if getattr(getattr(call.func, "value", None), "id", "") in ARCHIVES:
            continue
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        text = called in TEXT and isinstance(call.func, ast.Attribute)
        if text or names & set(PROGRAMS) or (called in ("open", "fdopen") and _mode(call) == "text"):
            found.append(call.lineno)
    return found


def _mode(call: ast.Call) -> str:
    """text, or binary, or no mode of an open file."""
    words = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    modes = [mode for mode in modes if set(mode) <= set("rwaxbt+") and mode]
    if isinstance(call.func, ast.Name):
        return "binary" if any("b" in mode for mode in modes) else "text"
    return "text" if any("b" not in mode for mode in modes) else "binary"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_call_says_its_encoding(path):
    assert unsaid(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("path.read_text()", [1]),
        ("path.read_text(encoding='utf-8')", []),
        ("run(argv, text=True)", [1]),
        ("open(path)", [1]),
        ("open(path, 'rb')", []),
        ("path.open('w')", [1]),
        ("path.open('wb')", []),
        ("read_text(path)", []),
    ],
)
def test_the_test_itself(call, found):
    assert unsaid(call) == found
