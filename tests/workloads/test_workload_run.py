"""run.py as a process: arguments, errors, the lease and signals; Keras is a stub that is in nobody's way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.files import read_yaml, sha256_file
from orchestrator.plan.catalog import WorkloadsFile
from tests.workloads.archives import WORKLOADS

RUN = [sys.executable, "-B", str(WORKLOADS / "run.py")]
#: A Keras that says what the test wants when it is imported.
FAILS = 'raise RuntimeError("the stub is no Keras")\n'
HANGS = "import time\ntime.sleep(60)\n"


@pytest.fixture
def stub(tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(source: str) -> dict[str, str]:
        folder = tmp_path / "stub"
        folder.mkdir()
        (folder / "keras.py").write_text(source)
        names = {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC"}
        return {k: v for k, v in os.environ.items() if k not in names} | {"PYTHONPATH": str(folder)}

    return make


def events_in(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_an_exception_is_an_event_and_exit_1(tmp_path: Path, mnist: Path, stub) -> None:  # type: ignore
    command = [*RUN, "mnist_mlp", "--data", str(mnist), "--out", str(tmp_path / "out")]
    command += ["--attempt", "2", "--train", "128"]
    done = subprocess.run(command, env=stub(FAILS), capture_output=True, text=True)
    assert done.returncode == 1
    assert "the stub is no Keras" in done.stderr
    start, error = events_in(tmp_path / "out")
    assert start["event"] == "start" and error["event"] == "error"
    assert start["attempt"] == error["attempt"] == 2
    assert start["params"]["train"] == 128
    assert start["params"]["epochs"] == 20 and start["params"]["batch_size"] == 128
    assert start["params"]["initial_weights"] == "equal"
    assert (error["type"], error["message"]) == ("RuntimeError", "the stub is no Keras")
    assert "Traceback" in error["traceback"]


def test_threads_are_set_before_keras_is_imported(tmp_path: Path, mnist: Path, stub) -> None:  # type: ignore[no-untyped-def]
    tells = "import os\nraise RuntimeError(os.environ['OMP_NUM_THREADS'] + os.environ['MKL_NUM_THREADS'])\n"
    environ = stub(tells) | {"MKL_NUM_THREADS": "7"}
    subprocess.run([*RUN, "mnist_mlp", "--data", str(mnist), "--out", str(tmp_path / "out"), "--threads", "3"],
                   env=environ, capture_output=True)  # fmt: skip
    assert events_in(tmp_path / "out")[-1]["message"] == "37"


@pytest.mark.parametrize(
    "arguments",
    [
        ["mnist_gan", "--data", "x", "--out", "y"],
        ["mnist_mlp", "--out", "y"],
        ["mnist_mlp", "--data", "x", "--out", "y", "--epochs", "0"],
        ["mnist_mlp", "--data", "x", "--out", "y", "--data-kind", "invented"],
    ],
)
def test_wrong_arguments_are_exit_2(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run([*RUN, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert list(tmp_path.iterdir()) == []


def started(tmp_path: Path, mnist: Path, environ: dict[str, str], *more: str) -> subprocess.Popen:
    """A job that hangs in the import of its Keras."""
    command = [*RUN, "mnist_mlp", "--data", str(mnist), "--out", str(tmp_path / "out"), *more]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while not (tmp_path / "out" / "events.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_the_end_of_the_lease_ends_the_job(tmp_path: Path, mnist: Path, stub) -> None:  # type: ignore[no-untyped-def]
    process = started(tmp_path, mnist, stub(HANGS), "--lease")
    assert process.stdin is not None and process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=5) == 130


def test_termination_is_prompt(tmp_path: Path, mnist: Path, stub) -> None:  # type: ignore[no-untyped-def]
    process = started(tmp_path, mnist, stub(HANGS))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 143


def test_packages_are_read_from_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import job

    for name in ("Keras_MXNet-1.2.2.1.dist-info", "Theano-0.9.0-py2.7.egg-info", "numpy-1.16.6.dist-info", "numpy"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/nowhere"])
    assert job.packages() == ["keras-mxnet==1.2.2.1", "numpy==1.16.6", "theano==0.9.0"]


@pytest.mark.parametrize(
    ("environ", "requested"),
    [
        ({}, False),
        ({"CUDA_VISIBLE_DEVICES": "0"}, True),
        ({"CUDA_VISIBLE_DEVICES": ""}, False),
        ({"CUDA_VISIBLE_DEVICES": "-1", "NVIDIA_VISIBLE_DEVICES": "all"}, False),
        ({"NVIDIA_VISIBLE_DEVICES": "GPU-1234"}, True),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, False),
        ({"ROCR_VISIBLE_DEVICES": "GPU-a1b2c3d4e5f60718", "HIP_VISIBLE_DEVICES": "0"}, True),
        ({"ROCR_VISIBLE_DEVICES": "GPU-a1b2c3d4e5f60718", "CUDA_VISIBLE_DEVICES": "-1"}, False),
    ],
)
def test_a_gpu_is_requested_by_the_known_variables(environ: dict[str, str], requested: bool) -> None:
    import backends

    assert backends.gpu_requested(environ) is requested


#: A Keras 3 on NumPy's arrays that trains nothing.
MODEL = """
import keras
DEFAULTS = {"dataset": "mnist", "batch_size": 32, "epochs": 1, "train": 64, "validation": 32, "parameters": 1}


def load(path, train, validation, image_data_format):
    import data, numpy
    %s
    one = numpy.zeros((4, 2), "float32")
    return data.Data(one, one, one, one)


def build(keras, shapes, classes):
    raise RuntimeError("far enough")
"""


def test_every_workload_that_lies_there_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import run

    assert run.workloads() == ["babi_rnn", "cifar10_cnn", "mnist_cnn", "mnist_mlp", "mnist_rnn"]
    declared = read_yaml(WORKLOADS / "workloads.yaml", WorkloadsFile).workloads
    assert run.workloads() == sorted(workload.name for workload in declared)
    monkeypatch.setattr(run, "HERE", str(tmp_path))
    (tmp_path / "mine.py").write_text("import data\n\nDEFAULTS = {}\n")
    (tmp_path / "helper.py").write_text("OTHER = {}\n# DEFAULTS = no\n")
    assert run.workloads() == ["mine"]


@pytest.mark.parametrize(
    ("reads", "kind"),
    [
        ("numpy.load(path)", "given"),
        ("open(path).close()", "given"),
        ("__import__('io').open(path, 'rb').close()", "given"),
        ("__import__('pathlib').Path(path).read_bytes()", "given"),
        ("pass", "own"),
        ("open(__file__).close()", "own"),
    ],
)
def test_only_a_data_set_that_was_opened_is_recorded(tmp_path: Path, mnist: Path, reads: str, kind: str) -> None:
    scripts = tmp_path / "workloads"
    shutil.copytree(WORKLOADS, scripts)
    (scripts / "mine.py").write_text(MODEL % reads)
    (scripts / "compat.py").write_text("class Keras:\n    image_data_format = 'x'\n    def __init__(self, *a): pass\n")
    (scripts / "keras.py").write_text("")
    command = [
        sys.executable,
        "-B",
        str(scripts / "run.py"),
        "mine",
        "--data",
        str(mnist),
        "--out",
        str(tmp_path / "out"),
    ]
    subprocess.run(command, capture_output=True)
    events = events_in(tmp_path / "out")
    assert events[-1]["message"] == "far enough"
    (event,) = [event for event in events if event["event"] == "data"]
    assert event["kind"] == kind
    assert (event["sha256"], event["file"]) == ((None, None) if kind == "own" else (sha256_file(mnist), "mnist.npz"))
