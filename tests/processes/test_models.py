"""The models of today, in today's environments: equal steps from equal weights, and jobs of the real command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrator.plan.catalog import load_catalog
from tests.cells import reasons, run
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]

STACKS = ["keras3-tensorflow", "keras3-jax", "keras3-torch"]


class Steps(NamedTuple):
    """What tests/equal_models.py prints of a model: the loss before training, in its first and in its second epoch.

    `tolerance`: relative, in the second epoch. In the first, a tenth of it; before, rounding alone is left.
    """

    before: float
    first: float
    second: float
    tolerance: float = 1e-4


#: JAX's, Keras 3.15.1.
EQUAL_STEPS = {
    "text_transformer": Steps(0.6885263, 0.7275122, 0.6091608),
    "gpt": Steps(5.9025168, 5.4282470, 4.1515050),
    "bilstm": Steps(0.6931304, 0.6942854, 0.6712665),
    "recommender": Steps(0.6908116, 0.6894806, 0.6819879),
    "resnet20": Steps(2.3118272, 2.2949889, 2.1474249),
    "resnet56": Steps(2.2185733, 2.2646592, 2.1367998),
    "vit": Steps(2.6103847, 2.6678665, 2.2718818),
    "unet": Steps(0.6982382, 0.8004397, 0.6617208, tolerance=1e-3),
}


@pytest.mark.parametrize("stack", STACKS)
def test_equal_weights_and_batches_give_equal_steps(python_of, stack):
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "KERAS_BACKEND": stack.partition("-")[2]}
    program = [python_of(stack), "-B", str(ROOT / "tests" / "equal_models.py"), str(ROOT / "workloads"), *EQUAL_STEPS]
    answer = subprocess.run(program, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr[-3000:]
    printed = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    stated = {model.name: model.parameters for model in load_catalog().models}
    assert {found["workload"]: found["parameters"] for found in printed} == stated
    assert stated.keys() == EQUAL_STEPS.keys()
    for found in printed:
        expected = EQUAL_STEPS[found["workload"]]
        told = f"{found['workload']}: {found}"
        assert found["before"] == pytest.approx(expected.before, rel=5e-6), told
        assert found["first"] == pytest.approx(expected.first, rel=expected.tolerance / 10), told
        assert found["second"] == pytest.approx(expected.second, rel=expected.tolerance), told


def smoke(python_of, out: Path, *models: str) -> list[dict]:
    for stack in STACKS:
        python_of(stack)  # skips where no index answers
    words = [word for model in models for word in ("--workload", model)]
    code, rows, stderr = run(out, "--config", "models", "--launcher", "process", "--scale", "smoke", *words)
    assert reasons(rows) == {}, stderr[-3000:]
    assert code == 0 and len(rows) == 3 * len(models)
    return rows


def test_models_run_and_say_what_they_read(python_of, tmp_path):
    rows = smoke(python_of, tmp_path, "gpt")
    assert {(row["data_kind"], row["parameters"]) for row in rows} == {("generated", 478976)}
    outputs = {row["stack"]: (row["first_output_mean"], row["first_output_std"]) for row in rows}
    assert outputs["keras3-jax"] == pytest.approx(outputs["keras3-torch"], rel=1e-4)
    (report,) = tmp_path.glob("2*/report.md")
    assert "generated data" in report.read_text() and "your own" not in report.read_text()
