"""What `import orchestrator` gives, what it costs, and what a type checker knows of it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap

import pytest

import orchestrator
from orchestrator.run import session
from tests.conftest import ROOT


def python(program, *words):
    return subprocess.run(
        [sys.executable, *words, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_importing_it_loads_nothing_and_what_it_offers_comes_when_asked_for():
    told = python(
        """
        import sys
        before = set(sys.modules)
        import orchestrator
        loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(loaded - sys.stdlib_module_names))
        orchestrator.load
        print({"click", "rich", "duckdb", "docker"} & set(sys.modules) or "light")
        """
    ).stdout.splitlines()
    assert told == ["['orchestrator']", "light"]


def test_run_is_the_function_also_where_the_folder_of_that_name_was_imported():
    assert callable(orchestrator.run) and orchestrator.run.__module__ == "orchestrator.api.measure"
    assert session.__name__ == "orchestrator.run.session" and sys.modules["orchestrator.run"].session is session
    assert python("import orchestrator.run.clean, orchestrator; assert callable(orchestrator.run)", "-W", "error")
    with pytest.raises(AttributeError, match="nothing"):
        orchestrator.nothing  # noqa: B018


def test_the_stub_has_the_names_of_the_module():
    stub = ast.parse((ROOT / "orchestrator" / "__init__.pyi").read_text())
    named = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {*named, "__version__"} == set(orchestrator.__all__) <= set(dir(orchestrator))
    assert (ROOT / "orchestrator" / "py.typed").is_file()


@pytest.mark.slow
def test_a_callers_program_is_checked_by_its_types(tmp_path):
    good = """
        from pathlib import Path

        import orchestrator
        from orchestrator import Results, load

        found: Results = orchestrator.run("smoke", workloads=["mnist_mlp"], vary={"threads": [1, 2]}, progress=print)
        page: Path = found.report()
        slow: list[str] = [c.contender for c in load(page.parent).verdicts() if c.ratio is not None and c.ratio > 2]
        best: float | None = found.ranking()[0].overall
        first: dict[str, object] = found.rows[0]
        number: int = len(found.rows[1:])
        """
    bad = """
        import orchestrator

        orchestrator.run(7)
        orchestrator.run(repeats="three")
        orchestrator.load("results").ranking()[0].seconds
        """
    for name, text in (("good", good), ("bad", bad)):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache",
         tmp_path / "good.py", tmp_path / "bad.py"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)},
    )  # fmt: skip
    faults = [line for line in told.stdout.splitlines() if "error:" in line]
    assert [line.partition("bad.py:")[2].partition(":")[0] for line in faults] == ["4", "5", "6"], told
