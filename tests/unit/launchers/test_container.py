"""The container of a job: never root, one folder to write, named and labelled as ours."""

from __future__ import annotations

import os

import pytest

from orchestrator.launchers import container
from orchestrator.launchers.container import NOBODY, Image, cache_name, container_spec, job_user, owned_by_job
from orchestrator.model import Device
from tests.make import make_context, make_job

IMAGES = {"keras2-theano": Image(name="image:1", digest="sha256:1")}
CPU = Device(kind="cpu", name="cpu:0", cores=[0, 2])


@pytest.fixture
def context(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def test_jobs_are_never_root():
    assert job_user(0, 0) == NOBODY
    assert job_user(1000, 1001) == (1000, 1001)


def test_what_a_job_may_read_and_write(context, tmp_path):
    spec = container_spec(context, IMAGES, make_job(), CPU, tmp_path / "out")
    cache = cache_name("keras2-theano", "theano")
    assert spec.binds[:3] == [
        (str(tmp_path / "workloads"), "/workloads", "ro"),
        (str(tmp_path / "mnist.npz"), "/data/mnist.npz", "ro"),
        (str(tmp_path / "out"), "/out", "rw"),
    ]
    assert [(host, mode) for host, _, mode in spec.binds[3:]] == [(cache, "rw")]
    assert spec.volumes == [cache]
    assert spec.environment["KERAS_ORCHESTRATE_CACHES"] == spec.binds[3][1]


def test_name_labels_image_and_limits(context, tmp_path):
    job = make_job()
    spec = container_spec(context, IMAGES, job, CPU, tmp_path)
    assert spec.name == f"keras-orchestrate-run-{job.id}"
    assert spec.labels == {
        "keras-orchestrate": "job",
        "keras-orchestrate.run": "run",
        "keras-orchestrate.owner": "here:1:1",
    }
    assert spec.image == "sha256:1", "by digest, so that a new image of that name is not taken in the middle of a run"
    assert (spec.cores, spec.memory_mb) == ([0, 2], 512)
    assert spec.command[:3] == ["python", "-B", "/workloads/run.py"]


def test_the_gpu_of_the_device_is_the_containers(context, tmp_path):
    gpu = Device(kind="gpu", name="K80", uuid="GPU-1", cores=[0], minor=3, driver="384.81")
    spec = container_spec(context, IMAGES, make_job(device="gpu"), gpu, tmp_path)
    assert (spec.gpu_uuid, spec.gpu_minor, spec.driver, spec.gpu_route) == ("GPU-1", 3, "384.81", "devices")


@pytest.mark.parametrize(("uid", "owners"), [(0, [NOBODY, (0, 0)]), (1000, [])])
def test_the_folder_is_the_jobs_only_while_it_runs(tmp_path, monkeypatch, uid, owners):
    changes = []
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "getgid", lambda: uid)
    monkeypatch.setattr(container.os, "chown", lambda path, u, g, follow_symlinks: changes.append((u, g)))
    with pytest.raises(KeyboardInterrupt), owned_by_job(tmp_path):
        assert changes == owners[:1]
        raise KeyboardInterrupt
    assert changes == owners
