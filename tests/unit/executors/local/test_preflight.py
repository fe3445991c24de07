"""Before a local run: what is not as it should be is said, and only what makes all of it pointless refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.executors.local import preflight
from orchestrator.host.checks import Disk, Facts
from orchestrator.launchers.gpu_routes import Route
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from tests.make import make_gpu, make_host, make_job, make_plan

CATALOG = load_catalog()
K80 = make_gpu()
H200 = make_gpu(1, name="NVIDIA H200", compute_capability="9.0", driver="580.65.06")
ON_GPU = [make_job(device="gpu"), make_job(device="gpu", stack="keras3-jax", backend="jax")]


class Client:
    def version(self):
        return {"ApiVersion": "1.41"}

    def info(self):
        return {"Runtimes": {"nvidia": {}}}


class Engine:
    def client(self):
        return Client()


@pytest.fixture
def clear(monkeypatch, tmp_path):
    """A function that looks before a run on a host with these facts: what it may go on with, and what was said."""

    def run(jobs, gpus=(), launcher="docker", config=None, **facts):
        asked, said = [], []

        def gather(config, host, stacks, out, engine):
            asked.append((config.launcher, config.device, [stack.name for stack in stacks]))
            return Facts(device=config.device, launcher=launcher, gpus=list(gpus), **{"engine": "20", **facts})

        monkeypatch.setattr(preflight, "gather", gather)
        host = make_host(gpus=list(gpus), no_gpu="" if gpus else "none")
        chosen = config or Config(stacks=["keras2-theano", "keras3-jax"])
        arguments = (chosen, CATALOG, make_plan(jobs=jobs), host, launcher, tmp_path, Engine(), said.append)
        return preflight.before_run(*arguments), said, asked

    return run


def test_a_run_on_the_cpu_needs_no_route_and_asks_for_no_gpu(clear):
    cleared, said, asked = clear([make_job()], gpus=[K80])
    assert (cleared.unfit, cleared.route, cleared.route_name) == ({}, None, "devices")
    assert said == []
    assert asked == [("docker", "cpu", ["keras2-theano", "keras3-jax"])]


def test_the_launcher_is_the_one_that_was_chosen(clear):
    assert clear([make_job()], launcher="process")[2][0][0] == "process"


def test_what_is_missing_is_said_but_for_images_which_are_built_next(clear):
    disk = Disk(what="results", path="/x", free_mb=10, needed_mb=1024)
    _, said, _ = clear([make_job()], images={"keras2-theano": False}, disks=[disk])
    (line,) = said
    assert line.startswith("BAD") and "/x" in line


def test_a_full_disk_refuses_the_run(clear):
    disk = Disk(what="results", path="/x", free_mb=0, needed_mb=1024)
    with pytest.raises(HostError, match=r"the disk at /x is full \(0 MiB free\)") as caught:
        clear([make_job()], disks=[disk])
    assert caught.value.hint == "free space, or name another place"


def test_what_one_gpu_cannot_run_costs_these_jobs_only(clear):
    cleared, said, _ = clear(ON_GPU, gpus=[K80], route="devices (why)")
    assert list(cleared.unfit) == [("keras3-jax", "jax")]
    assert cleared.route_name == "devices"
    assert cleared.route_words == "devices (the engine has the nvidia runtime and API 1.41)"
    assert "on Tesla K80 (compute capability 3.7): keras2-theano (theano); not keras3-jax (jax)" in said


def test_where_nothing_can_run_the_reasons_and_a_way_out_are_told(clear):
    with pytest.raises(HostError) as caught:
        clear(ON_GPU[:1], gpus=[H200], route="devices (why)")
    assert caught.value.message.startswith("nothing of this configuration can run here. keras2-theano (theano): ")
    assert "--config modern --device gpu" in caught.value.hint


@pytest.mark.parametrize(("launcher", "refused"), [("docker", True), ("process", False)])
def test_an_engine_that_cannot_pass_gpus_is_in_the_way_of_containers_only(clear, launcher, refused):
    trouble = {"route_trouble": "cannot pass GPUs", "route_mend": "install the toolkit"}
    if not refused:
        cleared, _, _ = clear(ON_GPU, gpus=[K80], launcher=launcher, **trouble)
        assert (cleared.route, cleared.route_words) == (None, "")
        return
    with pytest.raises(HostError, match="cannot pass GPUs") as caught:
        clear(ON_GPU, gpus=[K80], launcher=launcher, **trouble)
    assert caught.value.hint == "install the toolkit"


def test_a_container_runtime_has_a_way_of_its_own(clear):
    cleared, _, _ = clear(ON_GPU, gpus=[K80], launcher="apptainer", runtime="1.3")
    assert cleared.route_words.endswith("(the way of apptainer)")


def test_a_route_that_was_asked_for_is_taken(clear):
    config = Config(stacks=["keras2-theano"], gpu_route="cdi")
    cleared, _, _ = clear(ON_GPU[:1], gpus=[K80], config=config, route="cdi")
    assert cleared.route == Route(name="cdi", why="asked for")


@pytest.mark.parametrize("name", ["a:b", "a,b"])
def test_a_path_that_a_command_line_would_cut_is_refused_before_the_first_job(name):
    with pytest.raises(UserError, match=f"podman cannot mount /x/{name}: there is a colon or a comma"):
        preflight.refuse_unmountable("podman", [Path("/fine/run[1]"), Path(f"/x/{name}")])
    for launcher in ("docker", "process"):
        preflight.refuse_unmountable(launcher, [Path(f"/x/{name}")])
