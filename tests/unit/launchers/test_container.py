"""The container of a job: never root, one folder to write, named and labelled as ours."""

from __future__ import annotations

import os

import msgspec
import pytest

from orchestrator.launchers.caches import cache_name
from orchestrator.launchers.container import Image, caches_of, container_spec, user_of
from orchestrator.launchers.job_user import JobUser, plain
from orchestrator.model import Device, Found
from tests.make import make_context, make_job, with_packages

IMAGES = {"keras2-theano": Image(name="image:1", digest="sha256:1")}
CPU = Device(kind="cpu", name="cpu:0", cores=[0, 2])


@pytest.fixture
def context(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def test_jobs_are_the_caller_unless_the_engine_wants_another_user(context):
    assert user_of(context) == plain(os.getuid(), os.getgid())
    other = JobUser(inside=(0, 0), outside=(1000, 1000))
    assert user_of(msgspec.structs.replace(context, user=other)) is other


def test_a_cache_is_of_one_user_one_image_and_one_version_of_the_scripts(context, monkeypatch):
    def name(image="sha256:1", scripts="a", uid=1000):
        monkeypatch.setattr(os, "getuid", lambda: uid)
        changed = msgspec.structs.replace(context, workloads_sha256=scripts)
        (volume,) = caches_of(changed, Image(name="image:1", digest=image), make_job()).values()
        return volume

    names = {name(), name(image="sha256:2"), name(scripts="b"), name(uid=65534)}
    assert len(names) == 4
    assert name() in names


def test_what_a_job_may_read_and_write(context, tmp_path):
    spec = container_spec(context, IMAGES, make_job(), CPU, tmp_path / "out")
    cache = cache_name("keras2-theano", "theano", os.getuid(), "sha256:1", "")
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
    named = msgspec.structs.replace(context, cdi={"GPU-1": "nvidia.com/gpu=0"})
    assert container_spec(named, IMAGES, make_job(device="gpu"), gpu, tmp_path).gpu_cdi is None, "another route"
    by_cdi = msgspec.structs.replace(named, gpu_route="cdi")
    assert container_spec(by_cdi, IMAGES, make_job(device="gpu"), gpu, tmp_path).gpu_cdi == "nvidia.com/gpu=0"


def test_an_image_that_was_found_gets_its_settings_and_its_interpreter_from_outside(context, tmp_path):
    found = Found(kind="image", place="me/x:1", sha256="0" * 64, program="python3", env={"PYTHONPATH": "/more"})
    stack = context.stacks["keras2-theano"]
    image = msgspec.structs.replace(stack.images["cpu"], env={"TF_CPP_MIN_LOG_LEVEL": "2", "HOME": "/nowhere"})
    stack = msgspec.structs.replace(stack, found=found, images={"cpu": image})
    context = msgspec.structs.replace(context, stacks={stack.name: stack})
    images = {stack.name: Image(name="me/x:1", digest="sha256:1", program="python3")}
    spec = container_spec(context, images, make_job(), CPU, tmp_path)
    assert spec.entrypoint == "python3" and spec.command[:2] == ["-B", "/workloads/run.py"]
    assert spec.engine_arguments()["entrypoint"] == ["python3"]
    settings = ("TF_CPP_MIN_LOG_LEVEL", "PYTHONPATH", "HOME", "KERAS_BACKEND")
    assert [spec.environment[name] for name in settings] == ["2", "/more", "/tmp", "theano"]


def test_our_own_images_have_no_entry_point_to_be_replaced(context, tmp_path):
    spec = container_spec(context, IMAGES, make_job(), CPU, tmp_path)
    assert spec.entrypoint is None and spec.command[0] == "python" and "entrypoint" not in spec.engine_arguments()


def test_packages_that_were_put_beside_an_image_come_first_and_are_part_of_what_it_is(context, tmp_path):
    found = Found(kind="image", place="me/x:1", sha256="0" * 64, env={"PYTHONPATH": "/own"}, lock="keras==1")
    stack = msgspec.structs.replace(context.stacks["keras2-theano"], found=found)
    context = msgspec.structs.replace(context, stacks={stack.name: stack})
    image = Image(name="me/x:1", digest="sha256:1", program="python", beside="/cache/x", beside_sha256="2")
    spec = container_spec(context, {stack.name: image}, make_job(), CPU, tmp_path)
    assert ("/cache/x", "/beside", "ro") in spec.binds and spec.environment["PYTHONPATH"] == "/beside:/own"
    assert spec.image == "sha256:1" and image.launch("docker", [], []).image_digest == "sha256:1+with:sha256:2"


def test_packages_of_ones_own_are_shown_and_nothing_else_gets_them(context, tmp_path):
    job = make_job(workload="my", variant="own", dataset=None)
    spec = container_spec(with_packages(context, job), IMAGES, job, CPU, tmp_path / "out")
    assert ("/cache/layers/x", "/packages", "ro") in spec.binds
    assert spec.environment["KERAS_ORCHESTRATE_PACKAGES"] == "/packages"
    other = msgspec.structs.replace(job, stack="keras2-theano", workload="other")
    for without in (with_packages(context, job, ""), with_packages(with_packages(context, other), other)):
        both = msgspec.structs.replace(without, own={**without.own, **with_packages(context, job).own})
        plain_spec = container_spec(both, IMAGES, job, CPU, tmp_path / "out")
        assert "KERAS_ORCHESTRATE_PACKAGES" not in plain_spec.environment
        assert "/packages" not in {inside for _, inside, _ in plain_spec.binds}


def test_a_card_of_amds_is_given_by_its_files_whatever_the_route_of_the_run(context, tmp_path):
    card = Device(kind="gpu", name="MI300X", uuid="AMD-1", index=0, minor=128, cores=[0])
    spec = container_spec(context, IMAGES, make_job(device="cpu"), card, tmp_path / "out")
    assert spec.gpu_files.files == ["/dev/kfd", "/dev/dri/renderD128"]
    assert spec.full_environment["ROCR_VISIBLE_DEVICES"] == "0"
    k80 = msgspec.structs.replace(card, uuid="GPU-1")
    assert container_spec(context, IMAGES, make_job(device="cpu"), k80, tmp_path / "out").gpu_files is None
