"""Today's stacks in virtual environments made from the locks: equal steps, the modern variant, two makers at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.own_stack import read_stack_file
from orchestrator.stacks import own_locks, venvs
from tests.cells import different_steps, run
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]


def steps_of(python: str, backend: str, **more: str) -> str:
    """What equal_steps.py prints in an environment."""
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "KERAS_BACKEND": backend, **more}
    argv = [python, "-B", str(ROOT / "tests" / "equal_steps.py"), str(ROOT / "workloads")]
    answer = subprocess.run(argv, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


@pytest.mark.parametrize("stack", ["keras3-tensorflow", "keras3-jax", "keras3-torch"])
def test_equal_starts_and_batches_give_equal_losses(python_of, stack):
    """Models, weights, optimizers and their settings are 2017's: only rounding differs."""
    assert different_steps(steps_of(python_of(stack), stack.partition("-")[2])) == {}


def test_keras_2_of_2023_takes_the_same_steps(python_of, tmp_path):
    """The Keras that TensorFlow 2.15.1 brings, by a stack of one's own."""
    python_of("keras3-tensorflow")  # skips where no index answers
    file = tmp_path / "keras215.yaml"
    file.write_text("like: keras3-tensorflow\npackages: [tensorflow-cpu==2.15.1]\nas_of: 2024-03-20\n")
    catalog = load_catalog()
    stack = own_locks.ready(read_stack_file(file, catalog), "cpu", catalog, may_lock=True, say=print)
    assert (stack.keras, stack.keras_major) == ("2.15.0", 2)
    python = venvs.ensure(stack, "cpu", catalog.docker_dir, print).python
    assert different_steps(steps_of(python, "tensorflow")) == {}


#: Prints how exact a variant is on a machine that says it has a GPU: the settings made, and what the library says.
PRECISION = """
import json, sys
sys.path.insert(0, sys.argv[1])
import backends
for kind in (backends.Jax, backends.Torch, backends.TensorFlow2):
    kind.devices = lambda self: ["gpu:0"]
import compat
print(json.dumps(compat.Keras(sys.argv[2], 1, 0).precision))
print({"jax": lambda l: l.config.jax_default_matmul_precision == "highest",
       "torch": lambda l: not (l.backends.cudnn.allow_tf32 or l.backends.cuda.matmul.allow_tf32),
       "tensorflow": lambda l: not l.config.experimental.tensor_float_32_execution_enabled(),
      }[compat.K.backend()](compat.backends.library(compat.K.backend()).module))
"""


@pytest.mark.parametrize("stack", ["keras3-tensorflow", "keras3-jax", "keras3-torch"])
def test_faithful_means_float32_on_a_gpu_and_modern_means_the_librarys_default(python_of, stack):
    def precision(variant, **gpu):
        environment = {"PATH": os.environ["PATH"], "KERAS_BACKEND": stack.partition("-")[2], **gpu}
        argv = [python_of(stack), "-B", "-c", PRECISION, str(ROOT / "workloads"), variant]
        answer = subprocess.run(argv, capture_output=True, text=True, env=environment, check=True)
        settings, exact = answer.stdout.splitlines()
        return json.loads(settings), exact == "True"

    settings, exact = precision("faithful", CUDA_VISIBLE_DEVICES="0")
    assert settings and exact
    assert precision("modern", CUDA_VISIBLE_DEVICES="0") == ({}, False)
    assert precision("faithful")[0] == {}  # a CPU rounds nothing


def test_the_modern_variant_is_todays_defaults(python_of, tmp_path):
    python_of("keras3-torch")
    words = ["--launcher", "process", "--stack", "keras3-torch", "--workload", "mnist_cnn", "--variant", "modern"]
    words += ["--deterministic"]
    code, (row,), stderr = run(tmp_path, *words, module="tests.fakes.no_report")
    assert (code, row["status"], row["variant"]) == (0, "ok", "modern"), stderr[-3000:]
    (events,) = tmp_path.glob("2*/jobs/*/events.jsonl")
    (ready,) = [e for e in map(json.loads, events.read_text().splitlines()) if e["event"] == "ready"]
    assert ready["settings"]["optimizer"]["learning_rate"] == pytest.approx(1e-3)  # 2017's Adadelta: 1.0
    assert row["deterministic"] is True
    assert row["computing"]["deterministic_algorithms"] is True  # as the library says
    assert row["computing"]["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert 1e-8 < row["product_error"] < 2e-6 and 1e-8 < row["convolution_error"] < 2e-6


def test_two_makers_of_one_environment_never_meet_in_a_half_built_one(tmp_path):
    """Both get a whole environment; only one makes it. A cut-off one is never used."""
    code = (
        "from orchestrator.stacks import venvs\nfrom orchestrator.plan.catalog import load_catalog\n"
        "c = load_catalog(); "
        "v = venvs.ensure(c.stack('keras3-jax'), 'cpu', c.docker_dir, print); print('seconds', v.seconds); "
        "import subprocess; subprocess.run([v.python, '-c', 'import numpy, jax'], check=True)"
    )
    (tmp_path / "keras-orchestrate" / "venvs").mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path), "UV_CACHE_DIR": uv_cache()}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("making" in output for output in outputs) == [False, True], outputs
    assert not list(tmp_path.glob("keras-orchestrate/venvs/*.partial"))


def uv_cache() -> str:
    from uv import find_uv_bin

    return subprocess.run([find_uv_bin(), "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
