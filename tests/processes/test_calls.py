"""A model of one's own is called without training: equal weights give equal answers and tokens on real backends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.measure.events import decode_event, sort_events
from orchestrator.model import Row
from orchestrator.results.rows import result_row
from orchestrator.stats.outputs import unlike_outputs
from tests.conftest import ROOT
from tests.make import make_job, make_result

pytestmark = [pytest.mark.slow, pytest.mark.network]

MODULE = """
import keras
import numpy as np
from keras import layers

BATCH = 8
GENERATE = {"prompt": 4, "tokens": 9}


def data(seed=0):
    x = np.random.default_rng(seed).integers(0, 30, size=(20, 12)).astype("int32")
    return x, x


def build():
    inputs = keras.Input((12,), dtype="int32")
    x = layers.Embedding(30, 16)(inputs)
    x = layers.Conv1D(16, 3, padding="causal", activation="relu")(x)
    return keras.Model(inputs, layers.Dense(30)(layers.Dropout(0.5)(x)))
"""


@pytest.fixture
def called(python_of: Callable[[str], str], tmp_path: Path) -> Callable[[str, str], Row]:
    """A function that calls the module on one backend, and gives the row of that job."""
    path = tmp_path / "tiny.py"
    path.write_text(MODULE)

    def run(backend: str, mode: str) -> Row:
        out = tmp_path / f"{mode}-{backend}"
        argv = [python_of(f"keras3-{backend}"), "-B", str(ROOT / "workloads" / "own.py"), str(path)]
        argv += ["--contract", "module", "--out", str(out), "--threads", "1", "--mode", mode, "--call-seconds", "0.1"]
        environment = {"PATH": "/usr/bin:/bin", "KERAS_BACKEND": backend, "LANG": "C.UTF-8"}
        done = subprocess.run(argv, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr[-3000:]
        events = [decode_event(line) for line in (out / "events.jsonl").read_bytes().splitlines()]
        job = make_job(variant="own", mode=mode, epochs=None, backend=backend, dataset=None)
        return result_row(make_result(job, **sort_events([event for event in events if event])), ())

    return run


@pytest.mark.parametrize(
    ("mode", "backends"), [("predict", ("jax", "tensorflow", "torch")), ("generate", ("jax", "torch"))]
)
def test_backends_answer_alike(called: Callable[[str, str], Row], mode: str, backends: tuple[str, ...]) -> None:
    rows = [called(backend, mode) for backend in backends]
    assert unlike_outputs(rows, lambda row: str(row["backend"])) is None
    for row in rows:
        series = {(each["way"], each["batch"]) for each in json.loads(row["calls"])}
        ways = {"predict_on_batch", "compiled"} | ({"predict"} if mode == "predict" else set())
        assert series == {(way, batch) for way in ways for batch in ((1, 8) if mode == "predict" else (1,))}
        assert row["latency_ms"] > 0 < row["first_answer_s"]
        outputs = {each["way"]: each for each in json.loads(row["outputs"])}
        assert set(outputs) == ways
        if mode == "generate":
            assert len(outputs["compiled"]["tokens"]) == 9
        else:
            assert outputs["compiled"]["shape"] == [[8, 12, 30]]
