"""What a reader of YAML would pass over, or die of, is told with its lines."""

from __future__ import annotations

import pytest

from orchestrator.errors import UserError
from orchestrator.files import decode_yaml
from orchestrator.plan.catalog import find_root
from orchestrator.yaml_faults import MOST_DEEP, faults

BOMB = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("repeats: 5\nscale: smoke\nrepeats: 1\n", "'repeats' is there twice, in line 1 and in line 3"),
        ("a: 1\n'a': 2\n", "'a' is there twice, in line 1 and in line 2"),
        ("s:\n  q: 1\n  r: [{x: 1, y: 2,\n x: 3}]\n", "'x' is there twice, in line 3 and in line 4"),
        ('{"slurm": {"queue": 1, "queue": 2}}', "'queue' is there twice, in line 1 and in line 1"),
        ("a: {b: 1}\na: {c: 1}", "'a' is there twice, in line 1 and in line 2"),
        ("[" * 100_000, f"nested deeper than {MOST_DEEP} levels in line 1"),
        ("a: " + "{a: " * 100_000, f"nested deeper than {MOST_DEEP} levels in line 1"),
        (BOMB, "more than 100,000 values, its aliases filled in"),
        ("x: &a [1, *a]", "*a in line 1 is part of what it stands for"),
    ],
)
def test_what_a_reader_would_not_say_is_told_with_its_lines(text, words):
    assert next(faults(text.encode())) == words
    with pytest.raises(UserError, match=r"^f\.yaml: ") as caught:
        decode_yaml(text.encode(), "f.yaml", object)
    assert words in caught.value.message and "\n" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: {a: 1, b: 2}\nc: [a, a, {a: 1}, {a: 1}]",
        "d: &d {x: 1, y: 2}\ne: {<<: *d, x: 3}\nf: [*d, *d]",
        "a: [",
        "",
        "? [1, 2]\n: 3\n? [1, 2]\n: 4",
        "x: " + "[" * (MOST_DEEP - 1) + "]" * (MOST_DEEP - 1),
    ],
)
def test_other_texts_have_no_fault(text):
    assert list(faults(text.encode())) == []


def test_every_file_of_ours_says_each_thing_once():
    root = find_root()
    found = {path: list(faults(path.read_bytes())) for path in root.rglob("*.yaml") if ".venv" not in path.parts}
    assert len(found) > 10
    assert {path: each for path, each in found.items() if each} == {}
