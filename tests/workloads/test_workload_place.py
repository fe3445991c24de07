"""The place in which a script of one's own runs: what was installed for it comes after everything of its stack."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

CODE = """
import os, subprocess, sys
sys.path.insert(0, %r)
import place
place.add_packages()
import added, json
print(added.WHO, sys.path[-1], os.path.basename(os.path.dirname(json.__file__)))
print(subprocess.check_output([sys.executable, "-c", "import added; print(added.WHO)"]).decode().strip())
"""


def run(folder, **environment):
    code = CODE % str(ROOT / "workloads")
    kept = {"PATH": "/usr/bin:/bin", "KERAS_ORCHESTRATE_PACKAGES": str(folder), **environment}
    return subprocess.run([sys.executable, "-B", "-c", code], env=kept, capture_output=True, text=True)


def test_packages_of_ones_own_come_last_and_reach_what_the_script_starts(tmp_path):
    (tmp_path / "added.py").write_text("WHO = 'mine'\n")
    (tmp_path / "json.py").write_text("")
    answer = run(tmp_path)
    assert answer.stdout.splitlines() == [f"mine {tmp_path} json", "mine"], answer.stderr


def test_a_search_path_that_an_image_has_stays_first(tmp_path):
    for name in ("stack", "layer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "added.py").write_text(f"WHO = {name!r}\n")
    answer = run(tmp_path / "layer", PYTHONPATH=str(tmp_path / "stack"))
    assert [line.split()[0] for line in answer.stdout.splitlines()] == ["stack", "stack"], answer.stderr


def test_without_any_nothing_changes(tmp_path):
    assert "No module named 'added'" in run("").stderr
