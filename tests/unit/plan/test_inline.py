"""The block of a script says which packages it needs; what cannot be one is refused before anything starts."""

from __future__ import annotations

import pytest

from orchestrator.errors import UserError
from orchestrator.plan import inline


def block(*lines: str, end: str = "\n") -> bytes:
    return end.join(["# /// script", *(f"# {line}" for line in lines), "# ///", "import keras", ""]).encode()


def test_packages_and_python_are_read_whatever_the_ends_of_lines():
    for end in ("\n", "\r\n"):
        found = inline.read("my.py", block('requires-python = ">=3.10"', 'dependencies = ["pandas>2"]', end=end))
        assert (found.packages, found.python) == (["pandas>2"], ">=3.10")
    assert inline.read("my.py", b"import keras\n") == inline.Metadata()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('dependencies = ["nonsense =="]', "'nonsense ==' is no requirement"),
        ('dependencies = ["--index-url http://other"]', "is no requirement"),
        ('dependencies = ["-e ."]', "is no requirement"),
        ('dependencies = ["pandas\\n-r /etc/passwd"]', "is no requirement"),
        ('dependencies = ["mine @ file:///home/me/mine"]', "mine is a folder"),
        ('dependencies = "pandas"', "is no list"),
        ('requires-python = "three"', "'three'"),
        ("requires-python = 3", "`requires-python` is no version: 3"),
        ("dependencies = [", "is no TOML"),
    ],
)
def test_what_cannot_be_meant_is_one_line(line: str, words: str):
    with pytest.raises(UserError, match=r"^my\.py") as caught:
        inline.read("my.py", block(line))
    assert words in caught.value.message and "\n" not in caught.value.message
    assert caught.value.hint


def test_secrets_stay_in_the_file(tmp_path):
    line = 'dependencies = ["mine @ https://me:hunter2@host/mine-1-py3-none-any.whl"]'
    (tmp_path / "my.py").write_bytes(block(line))
    (raw,) = inline.requirements(str(tmp_path / "my.py"))
    assert "me:hunter2@" in raw
    assert inline.read("my.py", block(line)).public_packages == ["mine @ https://host/mine-1-py3-none-any.whl"]
    bad = block('dependencies = ["mine @@ https://me:hunter2@host/"]')
    with pytest.raises(UserError) as caught:
        inline.read("my.py", bad)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("asked", "python", "runs"),
    [
        (None, "2.7", True),
        (">=3.10", "3.11", True),
        (">=3.11.4", "3.11", True),  # which 3.11 it is, nobody knows before it runs
        (">=3.12", "3.11", False),
        ("==3.10.*", "3.11", False),
        ("<3.11", "3.11", False),
        ("~=3.11", "3.11", True),
    ],
)
def test_a_stacks_python_is_any_of_its_minor_version(asked: str | None, python: str, runs: bool):
    assert inline.runs_on(asked, python) is runs
