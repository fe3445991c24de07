"""The faults that `make mutate` plants: one change each, in the text as it is written."""

from __future__ import annotations

import ast
import shutil

import pytest

from tests.conftest import ROOT
from tests.mutate.__main__ import ROOMS, Fault, copied, unnoticed
from tests.mutate.mutants import mutants


@pytest.mark.parametrize(
    ("source", "planted"),
    [
        ("a < b", {"a <= b", "a > b"}),
        ("a <= b", {"a < b", "a >= b"}),
        ("(a) > (b)", {"(a) >= (b)", "(a) < (b)"}),
        ("a >= b", {"a > b", "a <= b"}),
        ("a == b != c", {"a != b != c", "a == b == c"}),
        ("a in b", {"a not in b"}),
        ("a not in b", {"a in b"}),
        ("a is  not b", {"a is b"}),
        ("a is b", {"a is not b"}),
        ("a and b or c", {"a or b or c", "a and b and c"}),
        ("not (a)", {"(a)"}),
        ("a + b", {"a - b"}),
        ("a - b", {"a + b"}),
        ("a * b", {"a / b"}),
        ("a / b", {"a * b"}),
        ("'ä' + str(b)", set()),
        ("folder / f'{a}.json'", set()),
        ("x = 3", {"x = 4"}),
        ("x = True", {"x = False"}),
        ("x: int | None = 0.5", {"x: int | None = 1.5"}),
        ("def f(a: int | None = 1) -> str | None:\n    return a", {
            "def f(a: int | None = 2) -> str | None:\n    return a",
            "def f(a: int | None = 1) -> str | None:\n    return None",
        }),
        ("def f():\n    return None", set()),
        ("f(x=1, strict=True)", {"f(x=2, strict=True)"}),
        ("class A(B, frozen=True):\n    x = 1", {"class A(B, frozen=True):\n    x = 2"}),
        ("'é'; x = 3", {"'é'; x = 4"}),
    ],
)  # fmt: skip
def test_each_kind_of_fault(source, planted):
    assert {mutant.planted(source) for mutant in mutants(source)} == planted


def test_a_fault_is_shown_by_its_line_before_and_after():
    source = "x = 1\nif a and b:\n    pass\n"
    first, second = mutants(source)
    assert (first.line, first.change(source)) == (1, "x = 1  ->  x = 2")
    assert (second.line, second.change(source)) == (2, "if a and b:  ->  if a or b:")


def test_every_fault_can_be_planted_where_it_is_meant_to():
    for room, tests in ROOMS.items():
        assert (ROOT / room).exists() and (ROOT / tests).exists()
    source = (ROOT / "orchestrator" / "text.py").read_text()
    found = mutants(source)
    assert len(found) > 10
    for mutant in found:
        assert ast.parse(mutant.planted(source)) and mutant.planted(source) != source


@pytest.mark.slow
def test_a_copy_is_changed_and_tested_and_the_checkout_is_left_alone(tmp_path):
    copy, path, tests = copied(tmp_path), "orchestrator/text.py", "tests/unit/test_text.py"
    for other in (copy / "tests" / "unit").iterdir():
        if other.is_dir():
            shutil.rmtree(other)
        elif other.name not in ("__init__.py", "test_text.py"):
            other.unlink()
    (copy / tests).write_text("from orchestrator import text\n\n\ndef test_it():\n    assert text.printable('a')\n")
    before = (ROOT / path).read_text()
    changed = before + "\n\ndef unused() -> int:\n    return 7\n"
    (copy / path).write_text(changed)
    faults = [Fault(path, tests, changed, mutant) for mutant in mutants(changed) if mutant.text == "None"]
    assert not unnoticed(copy, faults[0])  # printable() gives None
    assert unnoticed(copy, faults[-1])
    assert str(faults[-1]).endswith(": return 7  ->  return None")
    assert (copy / path).read_text() == changed
    assert (ROOT / path).read_text() == before
