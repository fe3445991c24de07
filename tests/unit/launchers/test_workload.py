"""What a workload is started with, under every launcher."""

from __future__ import annotations

import pytest

from orchestrator.launchers.workload import THREAD_VARIABLES, job_environment, script_arguments
from orchestrator.model import DataFile
from orchestrator.plan.catalog import load_catalog
from tests.make import make_job

DATA = DataFile(dataset="mnist", path="/d/mnist.npz", sha256="0" * 64, kind="synthetic", name="mnist.npz")
STACK = load_catalog().stack("keras2-theano")


def options(**changes):
    argv = script_arguments(make_job(**changes), DATA, "/w/run.py", "/data/mnist.npz", "/out", attempt=3)
    assert argv[:3] == ["-B", "/w/run.py", "mnist_mlp"]
    assert argv[-1] == "--lease", "the workload ends itself with its standard input"
    return dict(zip(argv[3:-1:2], argv[4:-1:2], strict=True))


def test_every_parameter_is_spelt_out():
    job = make_job()
    assert options() == {
        "--data": "/data/mnist.npz",
        "--data-kind": "synthetic",
        "--out": "/out",
        "--job": job.id,
        "--attempt": "3",
        "--epochs": "2",
        "--batch-size": "32",
        "--train": "64",
        "--validation": "32",
        "--seed": "1",
        "--threads": "1",
        "--variant": "faithful",
        "--initial-weights": "equal",
    }


@pytest.mark.parametrize(("variant", "weights"), [("faithful", "equal"), ("tuned", "framework")])
def test_initial_weights_are_equal_where_variants_are_compared_faithfully(variant, weights):
    assert options(variant=variant)["--initial-weights"] == weights


def test_the_environment_selects_the_backend_and_limits_every_pool_of_threads():
    environment = job_environment(make_job(threads=3, seed=7), STACK.backend("theano"))
    assert environment["KERAS_BACKEND"] == "theano"
    assert environment["PYTHONHASHSEED"] == "7"
    assert {environment[name] for name in THREAD_VARIABLES} == {"3"}


def test_a_backends_own_variables_win():
    backend = type(STACK.backend("theano"))(
        name="theano", title="Theano", package={"cpu": "Theano"}, env={"OMP_NUM_THREADS": "1", "X": "y"}
    )
    environment = job_environment(make_job(threads=3), backend)
    assert (environment["OMP_NUM_THREADS"], environment["X"]) == ("1", "y")
