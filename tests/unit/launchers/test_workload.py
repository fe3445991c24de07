"""What a workload is started with, under every launcher."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.workload import THREAD_VARIABLES, Places, job_environment, script_arguments
from orchestrator.model import DataFile, OwnFile
from orchestrator.plan.catalog import load_catalog
from tests.make import make_job

DATA = DataFile(dataset="mnist", path="/d/mnist.npz", sha256="0" * 64, kind="synthetic", name="mnist.npz")
STACK = load_catalog().stack("keras2-theano")


def context(**changes) -> RunContext:
    fields = {"run_id": "run", "owner": "here:1:1", "workloads_dir": "/w", "stacks": {}, "data": {"mnist": DATA}}
    return RunContext(**{**fields, **changes})


def options(**changes):
    job = make_job(**changes)
    argv = script_arguments(
        job, context(attempts={job.id: 3}), Places(scripts="/w", out="/out", data="/data/mnist.npz")
    )
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


def test_without_keras_a_library_runs_its_own_script():
    job = make_job(stack="keras3-torch", backend="torch-native")
    argv = script_arguments(job, context(), Places(scripts="/w", out="/out", data="/d/mnist.npz"))
    given = dict(zip(argv[3:-1:2], argv[4:-1:2], strict=True))
    assert argv[:3] == ["-B", "/w/plain.py", "mnist_mlp"] and argv[-1] == "--lease"
    assert (given["--library"], given["--initial-weights"], "--variant" in given) == ("torch", "equal", False)
    backend = load_catalog().stack("keras3-torch").backend("torch-native")
    assert "KERAS_BACKEND" not in job_environment(job, backend)


def test_the_same_results_each_time_are_asked_of_the_script():
    places = Places(scripts="/w", out="/out", data="/data/mnist.npz")
    assert script_arguments(make_job(deterministic=True), context(), places)[-2:] == ["--deterministic", "--lease"]


@pytest.mark.parametrize(("variant", "weights"), [("faithful", "equal"), ("modern", "framework")])
def test_initial_weights_are_equal_where_variants_are_compared_faithfully(variant, weights):
    assert options(variant=variant)["--initial-weights"] == weights


def test_a_file_of_ones_own_gets_what_was_asked_for_and_decides_the_rest():
    own = OwnFile(path="/home/a/my.py", sha256="1" * 64, contract="script")
    job = make_job(workload="my", variant="own", scale="own", epochs=None, batch_size=None, train=None, validation=None)
    job = msgspec.structs.replace(job, dataset=None, steps=7)
    places = Places(scripts="/w", out="/out", own="/own/my.py", more={"cats": "/data/cats"})
    argv = script_arguments(job, context(own={"my": own}, network=True), places)
    assert argv[:3] == ["-B", "/w/own.py", "/own/my.py"]
    assert argv[-4:] == ["--data", "cats=/data/cats", "--network", "--lease"]
    given = dict(zip(argv[3:-4:2], argv[4:-4:2], strict=True))
    assert given["--contract"] == "script"
    assert given["--steps"] == "7"
    assert not {"--scale", "--epochs", "--train", "--validation", "--batch-size", "--variant"} & set(given)


def test_a_script_gets_its_arguments_behind_ours():
    own = OwnFile(path="/home/a/my.py", sha256="1" * 64, contract="script")
    words = ["--lr", "0.1", "--job", "x", "", "a b", "--"]
    job = make_job(workload="my", variant="own", scale="own", dataset=None, arguments=words)
    argv = script_arguments(job, context(own={"my": own}), Places(scripts="/w", out="/out", own="/own/my.py"))
    assert argv[-len(words) - 2 :] == ["--lease", "--", *words]
    ours = script_arguments(make_job(arguments=words), context(), Places(scripts="/w", out="/out"))
    assert ours[-1] == "--lease"


def test_the_sizes_of_a_scale_are_left_to_the_file_that_declares_it():
    """They are what a plan shows; own.py takes no such options, and would end the job."""
    own = OwnFile(path="/home/a/my.py", sha256="1" * 64, contract="module")
    job = make_job(workload="my", variant="own", scale="smoke", epochs=2, train=64, validation=32, dataset=None)
    argv = script_arguments(job, context(own={"my": own}), Places(scripts="/w", out="/out", own="/own/my.py"))
    assert argv[argv.index("--scale") + 1] == "smoke"
    assert not {"--train", "--validation"} & set(argv)


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


def test_without_training_a_job_is_told_its_mode_and_has_equal_weights():
    found = options(mode="predict", epochs=None, variant="modern")
    assert (found["--mode"], found["--batch-size"], found["--initial-weights"]) == ("predict", "32", "equal")
    assert found["--call-seconds"] == "0.5", "the scale smoke is short"
    assert "--epochs" not in found
    assert "--call-seconds" not in options(mode="predict", epochs=None, scale="quick")
