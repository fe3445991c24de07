"""Scripts in the style of keras.io in the images of today's stacks: one command for all of them."""

from __future__ import annotations

import shlex

import pytest

from tests import cells
from tests.conftest import ROOT

pytestmark = [pytest.mark.containers, pytest.mark.slow]

SCRIPTS = [ROOT / "tests" / "own" / "scripts" / f"{n}.py" for n in ("autoencoder", "several_fits", "text_transformer")]
STACKS = ("keras3-tensorflow", "keras3-jax", "keras3-torch")


def test_three_scripts_run_unchanged_in_the_images_of_today(image_of, tmp_path):
    for stack in STACKS:
        image_of(stack)
    before = [script.read_bytes() for script in SCRIPTS]
    code, rows, stderr = cells.run(tmp_path, *map(str, SCRIPTS), "--launcher", "docker")
    assert cells.reasons(rows) == {} and code == 0, stderr[-3000:]
    assert {(row["file"], row["stack"]) for row in rows} == {(s.name, stack) for s in SCRIPTS for stack in STACKS}
    for script in SCRIPTS:
        same = {(r["parameters"], r["samples"], r["batches"]) for r in rows if r["file"] == script.name}
        assert len(same) == 1, "every contender did the same thing"
    assert [script.read_bytes() for script in SCRIPTS] == before


IN_THE_HOME_FOLDER = """
import os
import helper
from orchestrated import epochs

here = os.path.dirname(os.path.abspath(__file__))
assert sorted(os.listdir(here)) == ["helper.py", "my.py"], os.listdir(here)
for epoch in epochs(2):
    epoch.trained(loss=helper.LOSS)
"""


def test_of_the_home_folder_a_container_sees_the_python_files_beside_a_script(image_of, tmp_path, monkeypatch):
    image_of("keras3-jax")
    for name, text in (("my.py", IN_THE_HOME_FOLDER), ("helper.py", "LOSS = 1.0\n"), ("key", "secret")):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("HOME", str(tmp_path))
    words = [str(tmp_path / "my.py"), "--launcher", "docker", "--stack", "keras3-jax"]
    code, rows, stderr = cells.run(tmp_path / "results", *words)
    assert cells.reasons(rows) == {} and code == 0, stderr[-3000:]


PARSES = """
import argparse
import sys
from orchestrated import epochs

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--name")
args = parser.parse_args()
assert (args.lr, args.name) == (0.1, "a b; $(c) '"), sys.argv
for epoch in epochs(2):
    epoch.trained(loss=args.lr)
"""


def test_a_script_in_a_container_gets_its_arguments_and_its_rows_say_which(image_of, tmp_path):
    image_of("keras3-jax")
    tmp_path.chmod(0o755)  # a container's job is not root
    (tmp_path / "my.py").write_text(PARSES)
    words = [str(tmp_path / "my.py"), "--launcher", "docker", "--stack", "keras3-jax"]
    code, rows, stderr = cells.run(tmp_path / "results", *words, "--", "--lr", "0.1", "--name", "a b; $(c) '")
    assert cells.reasons(rows) == {} and code == 0, stderr[-3000:]
    assert [shlex.split(row["asked_arguments"]) for row in rows] == [["--lr", "0.1", "--name", "a b; $(c) '"]]
