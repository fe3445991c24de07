"""Templates are compiled once, and again when anything that they are made of has changed."""

from __future__ import annotations

import sys
from functools import partial

import jinja2
import pytest

from orchestrator.report import compiled
from orchestrator.report.compiled import Compiled


@pytest.fixture(autouse=True)
def written(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "page.html.j2").write_text("{% if yes %}\nHello {{ name }}{% endif %}")
    return tmp_path


class Counted(jinja2.Environment):
    compiled = 0

    def compile(self, *args, **kwargs):
        self.compiled += 1
        return super().compile(*args, **kwargs)


def rendered(folder, **options):
    """The page, and how often a template was compiled for it."""
    environment = Counted(loader=jinja2.FileSystemLoader(folder), bytecode_cache=Compiled(folder), **options)
    return environment.get_template("page.html.j2").render(yes=True, name="you"), environment.compiled


def kept(folder):
    return sorted(path.name for path in folder.glob("__pycache__/*"))


def test_a_second_program_compiles_nothing(folder):
    assert rendered(folder) == ("\nHello you", 1)
    assert kept(folder) == [f"page.html.{sys.implementation.cache_tag}.pyc"]
    assert rendered(folder) == ("\nHello you", 0)


def test_it_is_compiled_again_after_a_change_of_text_options_or_jinja(folder, monkeypatch):
    assert rendered(folder)[1] == 1
    assert rendered(folder, trim_blocks=True) == ("Hello you", 1)
    assert rendered(folder, trim_blocks=True, finalize=partial(str).func)[1] == 1
    assert rendered(folder, autoescape=True)[1] == 1
    assert rendered(folder, autoescape=lambda name: False)[1] == 1
    monkeypatch.setattr(compiled, "_program", lambda: 7)
    assert rendered(folder)[1] == 1
    (folder / "page.html.j2").write_text("Bye {{ name }}")
    assert rendered(folder) == ("Bye you", 1)
    monkeypatch.setattr(compiled.jinja2, "__version__", "99")
    assert rendered(folder) == ("Bye you", 1)
    assert rendered(folder) == ("Bye you", 0)


@pytest.mark.parametrize("content", [b"", b"j2 and nothing of ours", None])
def test_what_is_damaged_is_made_again(folder, content):
    assert rendered(folder)[1] == 1
    (file,) = folder.glob("__pycache__/*")
    file.write_bytes(file.read_bytes()[:-20] if content is None else content)
    assert rendered(folder) == ("\nHello you", 1)
    assert rendered(folder) == ("\nHello you", 0)


def test_a_folder_that_takes_nothing_costs_nothing_but_time(folder):
    (folder / "__pycache__").write_text("no folder")
    assert rendered(folder) == ("\nHello you", 1)
    assert rendered(folder) == ("\nHello you", 1)


def test_a_python_without_such_files_costs_nothing_but_time(folder, monkeypatch):
    monkeypatch.setattr(sys.implementation, "cache_tag", None)
    assert rendered(folder) == ("\nHello you", 1)
    assert kept(folder) == []


def test_nothing_is_written_where_python_writes_nothing(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(folder) == ("\nHello you", 1)
    assert kept(folder) == []
