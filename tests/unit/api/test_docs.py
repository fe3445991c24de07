"""What docs/API.md and docs/notebook.ipynb show is what comes of it."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys

import orchestrator
from orchestrator.plan.config import Config
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "API.md").read_text()


def test_the_examples_of_the_page_run(unpacked, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / unpacked[0].name).symlink_to(unpacked[0])
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout
    assert told.startswith("<Results: 6 of 6 jobs ok>\nJAX 0.10.2 answers first")
    assert "Not yet" in told and "report.html\n[('jax', 0.11" in told


def test_the_page_names_every_keyword_and_no_other():
    keywords = {*inspect.signature(orchestrator.run).parameters} - {"settings"}
    assert {name for name in keywords if f"`{name}" not in TEXT} <= {"config", "progress"}
    calls = [
        node
        for text in re.findall(r"orchestrator\.run\(.*?\)\n", TEXT, re.DOTALL)
        for node in ast.walk(ast.parse(text))
    ]
    used = {word.arg for node in calls if isinstance(node, ast.Call) for word in node.keywords}
    assert len(used) > 6 and used <= keywords | {*Config.__struct_fields__}


def test_the_notebook_gives_what_it_shows():
    told = subprocess.run(
        [sys.executable, "-m", "tests.notebook"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert told.returncode == 0, told.stdout + told.stderr
    cells = json.loads((ROOT / "docs" / "notebook.ipynb").read_text())["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells) > 10
