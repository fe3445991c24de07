"""`--vary` from the command line to the report, with real small jobs: an argument of one's own build(), and jit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]

MODULE = """
import keras
import numpy as np
from keras import layers

EPOCHS, BATCH = 2, 16


def data(seed=0):
    x = np.random.default_rng(seed).normal(size=(64, 4)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype("int32")


def build(width=64):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(2)(layers.Dense(width)(inputs)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
"""
RUN = ("run", "tiny.py", "--stack", "keras3-jax", "--launcher", "process", "--device", "cpu", "--out", "results")


@pytest.fixture(scope="module")
def call(
    python_of: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[int, str, str]]:
    """A function that runs the command line beside the module: exit code, standard output and error."""
    python_of("keras3-jax")
    here = tmp_path_factory.mktemp("swept")
    (here / "tiny.py").write_text(MODULE)

    def run(*words: str) -> tuple[int, str, str]:
        argv = [sys.executable, "-m", "orchestrator", *words]
        settings = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, capture_output=True, text=True, cwd=here, env=settings, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    run.here = here  # type: ignore[attr-defined]
    return run


@pytest.fixture(scope="module")
def finished(call: Any) -> tuple[dict[str, Any], Path]:
    """The document of a run of two widths with jit off and on, and its folder."""
    code, out, said = call(*RUN, "--vary", "width=4,32", "--vary", "jit=off,on", "--json")
    assert code == 0, said
    (folder,) = call.here.glob("results/2*")
    return json.loads(out), folder


def test_every_job_got_what_it_asked_for(finished: Any) -> None:
    rows = {row["axes"]: row for row in finished[0]["results"]}
    assert rows.keys() == {f"jit={jit} width={width}" for jit in ("off", "on") for width in (4, 32)}
    assert all(row["status"] == "ok" and row["axes_got"] == axes for axes, row in rows.items())
    # Weights and offsets of the two layers: the width is the only thing that changes them.
    assert {row["axes"].split()[1]: row["parameters"] for row in rows.values()} == {
        f"width={width}": 5 * width + 2 * (width + 1) for width in (4, 32)
    }


def test_the_answer_and_the_page_tell_of_it(finished: Any) -> None:
    document, folder = finished
    first = document["answer"]["sentences"][0]
    assert first.startswith("tiny.py: JAX ") and " was fastest: " in first and "jit=" in first and "width=" in first
    page = (folder / "report.html").read_text()
    assert 'id="sweeps"' in page and 'id="chart-sweeps"' in page and (folder / "charts" / "sweeps.svg").is_file()
    text = (folder / "report.md").read_text()
    assert text.count("tiny.py along width with jit=") == 2 and text.count("tiny.py along jit with width=") == 2


def test_the_values_are_compared_and_what_cannot_be_varied_is_refused(call: Any, finished: Any) -> None:
    code, out, _ = call("compare", str(finished[1]), "--along", "width", "--json")
    assert code == 0 and [ratio["cell"]["along"] for ratio in json.loads(out)["ratios"]] == ["width=4 to 32"] * 2
    code, _, said = call("compare", str(finished[1]), "--along", "depth")
    assert code == 2 and "--along jit or width" in said
    code, _, said = call(*RUN, "--vary", "width=wide")
    assert code == 2 and "whole numbers" in said and "Traceback" not in said
