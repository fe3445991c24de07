"""Makers of the nouns that tests need: each with sensible values, any of which can be changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from orchestrator.files import sha256_file
from orchestrator.launchers.launcher import Laid, RunContext
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.model import DataFile, Device, Fingerprint, Host, Job, Layer, OwnFile, Plan, Result
from orchestrator.plan.catalog import load_catalog
from tests.fakes.made_up import recorded


def make_job(**changes) -> Job:
    fields = {
        "workload": "mnist_mlp",
        "stack": "keras2-theano",
        "backend": "theano",
        "device": "cpu",
        "repeat": 1,
        "scale": "smoke",
        "epochs": 2,
        "batch_size": 32,
        "train": 64,
        "validation": 32,
        "seed": 1,
        "threads": 1,
        "timeout_s": 60,
        "dataset": "mnist",
    }
    return Job(**{**fields, **changes})


def make_host(**changes) -> Host:
    """A host of four cores without a GPU."""
    fields = {"name": "h", "cpu": "c", "cores": [0, 1, 2, 3], "memory_mb": 9 * 1024, "os": "o", "no_gpu": "no driver"}
    return Host(**{**fields, **changes})


def make_gpu(index=0, **changes) -> Device:
    """One of the two halves of a Tesla K80."""
    fields = {"name": "Tesla K80", "uuid": f"GPU-{index}", "driver": "470.256.02", "compute_capability": "3.7"}
    return Device(**{"kind": "gpu", "index": index, "memory_mb": 11441, **fields, **changes})


def make_plan(**changes):
    fields = {"run_id": "20260101-000000-abcd", "created": "now", "config": {}, "seed": 1, "jobs": [make_job()]}
    return Plan(**{**fields, **changes})


FINGERPRINT = Fingerprint(
    launcher="docker",
    image="i",
    image_digest="sha256:1",
    workloads_sha256="1" * 64,
    data_sha256="2" * 64,
    data_kind="official",
    host="h",
    cpu="c",
    cores=2,
    memory_mb=1000,
    os="o",
    threads=2,
    orchestrator="0.1.0",
    command=["docker", "run", "a b"],
)


def epoch(number, train_s, validation_s, t):
    figures = {"loss": 1 / number, "acc": 0.5, "val_loss": 0.3, "val_acc": 0.6 + number / 100}
    return {
        "event": "epoch_end",
        "t": t,
        "epoch": number,
        "train_s": train_s,
        "validation_s": validation_s,
        "elapsed_s": t - 100,
        "batches": 2,
        "samples": 64,
        **figures,
    }


def make_result(job, **changes) -> Result:
    fields = {
        "run_id": "r",
        "job": job,
        "status": "ok",
        "exit_code": 0,
        "launched_t": 90.0,
        "exited_t": 112.5,
        "fingerprint": FINGERPRINT,
        "start": {"t": 91.0, "python": "2.7.18"},
        "data": {"sha256": "2" * 64, "train": [60, 784], "validation": [[20, 5], [20, 9]]},
        "ready": {"framework_version": "0.9.0", "keras_version": "2.0.8", "parameters": 10},
        "phases": {"import": 2.0, "data": 1.0, "build": 0.5, "compile": 0.25, "fit_setup": 0.25, "first_batch": 9.0},
        "epochs": [epoch(1, 5.0, 1.0, 106.0), epoch(2, 2.0, 0.5, 108.5), epoch(3, 3.0, 0.5, 112.0)],
        "end": {"elapsed_s": 12.0, "rss_peak_mb": 200.0, "caches": {"/cache": {"before": 3, "after": 3}}},
    }
    return Result(**{**fields, **changes})


def row(**fields):
    base = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1).rows[0]
    return {**base, "epoch_s": 1.0, "job_id": f"job-{id(fields)}", **fields}


def make_context(workloads: Path, data: Path, **changes) -> RunContext:
    """The context of a run with one data set, `mnist`."""
    file = DataFile(dataset="mnist", path=str(data), sha256=sha256_file(data), kind="given", name="mnist.npz")
    fields = {
        "run_id": "run",
        "owner": "here:1:1",
        "workloads_dir": str(workloads),
        "stacks": {stack.name: stack for stack in load_catalog().stacks},
        "data": {"mnist": file},
        "memory_mb": 512,
    }
    return RunContext(**{**fields, **changes})


def make_spec(**changes) -> ContainerSpec:
    """The container of a job, without a GPU."""
    fields = {
        "name": "job-1",
        "image": "sha256:1",
        "command": ["python", "/workloads/run.py", "mnist_mlp"],
        "environment": {"A": "1,2", "HOME": "/tmp"},
        "binds": [("/w", "/workloads", "ro"), ("/o", "/out", "rw")],
        "labels": {"keras-orchestrate": "job"},
        "user": "1000:1001",
        "cores": [0, 2],
        "memory_mb": 512,
        "keep_out": ["HTTP_PROXY"],
    }
    return ContainerSpec(**{**fields, **changes})


def identify(context):
    def make(job, device, launch):
        return Fingerprint(
            launcher=launch.launcher,
            workloads_sha256="0" * 64,
            data_sha256=context.data["mnist"].sha256,
            data_kind="given",
            host="here",
            cpu="a cpu",
            cores=1,
            memory_mb=1,
            os="linux",
            threads=1,
            orchestrator="0",
            command=launch.command,
        )

    return make


def alive(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def with_packages(context: RunContext, job: Job, path: str = "/cache/layers/x") -> RunContext:
    """The context of a run in which a job is a script of one's own, with packages in a folder ("": it needs none)."""
    own = OwnFile(path="/home/me/my.py", sha256="1" * 64, contract="script", packages=["einops"])
    lock = "einops==0.8.2 --hash=sha256:0" if path else ""
    layer = Layer(workload=job.workload, stack=job.stack, asked=own.packages, base="2" * 64, lock=lock)
    return msgspec.structs.replace(context, own={job.workload: own}, laid=[Laid(layer=layer, path=path)])
