"""run.py as a process: arguments, errors, the lease and signals; Keras is a stub that is in nobody's way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
    ],
)
def test_a_gpu_is_requested_by_the_known_variables(environ: dict[str, str], requested: bool) -> None:
    import backends

    assert backends.gpu_requested(environ) is requested
