"""What the cell tests share: real data where there is some, a run of the real command, first losses that agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

STACKS_OF_2017 = ("keras2-tensorflow-cntk", "keras2-theano", "keras1-mxnet")
PARAMETERS = {
    "mnist_mlp": 669706,
    "mnist_cnn": 1199882,
    "cifar10_cnn": 1250858,
    "mnist_rnn": 199434,
    "babi_rnn": 45836,
}


def data_words() -> list[str]:
    """KERAS_ORCHESTRATE_TEST_DATA, a folder with real data sets, else synthetic ones."""
    folder = os.environ.get("KERAS_ORCHESTRATE_TEST_DATA")
    return ["--data-dir", folder, "--no-fetch"] if folder else ["--no-fetch"]


def run(out: Path, *words: str, module: str = "orchestrator") -> tuple[int, list[dict], str]:
    """Exit code, rows and standard error of one `orchestrate run --config smoke --json`."""
    argv = [sys.executable, "-m", module, "run", "--config", "smoke", "--json", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([*argv, *data_words(), *words], capture_output=True, text=True, env=environment)
    rows = json.loads(answer.stdout)["results"] if answer.stdout else []
    return answer.returncode, rows, answer.stderr


def reasons(rows: list[dict]) -> dict[str, str]:
    return {row["job_id"]: f"{row['status']}: {row['reason']}" for row in rows if row["status"] != "ok"}


#: What tests/equal_steps.py prints: losses before, during and after one short epoch. Seen on TensorFlow 1.3.0, CNTK
#: 2.5.1, Theano 0.9.0 and MXNet 0.11.0 and on Keras 3 with TensorFlow, JAX and PyTorch; these are CNTK's.
EQUAL_STEPS = {
    "mnist_mlp": (2.3239938, 2.7964397, 2.2480317),
    "mnist_cnn": (2.3028708, 2.2906276, 2.2228796),
    "cifar10_cnn": (2.2999569, 2.2877290, 2.2390078),
    "mnist_rnn": (2.3035237, 2.3012412, 2.2783306),
    "babi_rnn": (3.5820251, 3.5790391, 3.5671344),
}
#: Relative. Rounding before training; after it what is left is that Keras 3 and MXNet add RMSprop's epsilon under
#: the square root: seen 4e-7, 1e-5 and, for the MLP, 1.3e-3 (elsewhere 3e-5).
TOLERANCES = (5e-6, 1e-4, 3e-3)


def different_steps(output: str) -> dict[str, list[float]]:
    """By workload, figures that equal_steps.py printed and that are not as they should be; an absent one is [].

    Raises AssertionError for a model of another size.
    """
    printed = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    figures = {found["workload"]: [found[name] for name in ("before", "during", "after")] for found in printed}
    assert {found["workload"]: found["parameters"] for found in printed}.items() <= PARAMETERS.items()
    return {
        workload: figures.get(workload, [])
        for workload, expected in EQUAL_STEPS.items()
        if not _close(figures.get(workload, []), expected)
    }


def _close(found: list[float], expected: tuple[float, ...]) -> bool:
    return len(found) == len(expected) and all(
        abs(a - b) <= tolerance * b for a, b, tolerance in zip(found, expected, TOLERANCES, strict=True)
    )
