"""Each input pipeline feeds the same samples: the losses of a short training agree, on every backend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]

#: Relative, of losses: the same batches in the same order, so rounding alone is left.
TOLERANCE = 1e-5
PIPELINES = {
    "keras3-tensorflow": ("arrays", "tf.data", "pydataset"),
    "keras3-jax": ("arrays", "pydataset"),
    "keras3-torch": ("arrays", "dataloader"),
}
#: A module with two inputs of different types, and a smaller last batch.
MODULE = """
import keras, numpy
def data(seed=0):
    random = numpy.random.RandomState(seed)
    words, figures = random.randint(0, 9, (70, 4)).astype("int32"), random.rand(70, 3).astype("float32")
    y = (words.sum(1) > 16).astype("float32")
    return [words[:50], figures[:50]], y[:50], [words[50:], figures[50:]], y[50:]
def build():
    words, figures = keras.Input((4,), dtype="int32"), keras.Input((3,))
    x = keras.layers.Flatten()(keras.layers.Embedding(9, 4)(words))
    x = keras.layers.Dense(8, activation="relu")(keras.layers.concatenate([x, figures]))
    model = keras.Model([words, figures], keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model
BATCH, EPOCHS = 16, 3
"""


def trained(python: str, stack: str, out: Path, *argv: str | Path) -> list[dict]:
    """The events of one job."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(out.parent), "KERAS_BACKEND": stack.partition("-")[2]}
    words = [python, "-B", *map(str, argv), "--out", str(out), "--seed", "7", "--threads", "1"]
    answer = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]


def check(found: dict[str, list[dict]], samples: int) -> None:
    """Equal losses, what was fed, and a wait that is a part of the training."""
    for pipeline, events in found.items():
        epochs = [event for event in events if event["event"] == "epoch_end"]
        assert events[-1]["axes"] == {"pipeline": pipeline}
        first = [event for event in found["arrays"] if event["event"] == "epoch_end"]
        for name in ("loss", "val_loss"):
            expected = [epoch[name] for epoch in first]
            assert [epoch[name] for epoch in epochs] == pytest.approx(expected, rel=TOLERANCE), pipeline
        assert all(0 < epoch["input_wait_s"] <= epoch["train_s"] for epoch in epochs), (pipeline, epochs)
        assert {epoch["samples"] for epoch in epochs} == {samples}


@pytest.mark.parametrize("stack", PIPELINES)
def test_a_module_learns_the_same_by_each_pipeline(stack: str, python_of: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    argv = (ROOT / "workloads" / "own.py", tmp_path / "mine.py", "--contract", "module", "--axis")
    python = python_of(stack)
    check({p: trained(python, stack, tmp_path / p, *argv, f"pipeline={p}") for p in PIPELINES[stack]}, 50)


def test_a_built_in_workload_learns_the_same_by_each_pipeline(python_of: Callable[[str], str], tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    parts = {f"x_{part}": random.randint(0, 256, (80, 28, 28)).astype("uint8") for part in ("train", "test")}
    parts |= {f"y_{part}": random.randint(0, 10, 80).astype("uint8") for part in ("train", "test")}
    np.savez(tmp_path / "mnist.npz", **parts)
    argv = (ROOT / "workloads" / "run.py", "mnist_mlp", "--data", tmp_path / "mnist.npz", "--batch-size", "32")
    sizes = ("--epochs", "2", "--train", "80", "--validation", "32", "--axis")
    python, stack = python_of("keras3-torch"), "keras3-torch"
    check({p: trained(python, stack, tmp_path / p, *argv, *sizes, f"pipeline={p}") for p in PIPELINES[stack]}, 80)


def test_grain_comes_with_the_file_that_names_it(python_of: Callable[[str], str], tmp_path: Path) -> None:
    python_of("keras3-jax")
    (tmp_path / "mine.py").write_text(f'# /// script\n# dependencies = ["grain==0.2.18"]\n# ///\n{MODULE}')
    words = ("run", "mine.py", "--stack", "keras3-jax", "--launcher", "process", "--device", "cpu", "--json")
    argv = [sys.executable, "-m", "orchestrator", *words, "--vary", "pipeline=arrays,grain"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=environment)
    rows = {row["axes_got"]: row for row in json.loads(answer.stdout)["results"]}
    assert set(rows) == {"pipeline=arrays", "pipeline=grain"}, answer.stderr
    losses = {row["loss"] for row in rows.values()}
    assert max(losses) == pytest.approx(min(losses), rel=TOLERANCE)
