"""What a run would take: from earlier runs on this host, from what is there, and without making anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.host.checks import Disk, Facts
from orchestrator.host.folders import Folder
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.plan.request import RunRequest
from orchestrator.run import forecast as module
from orchestrator.run.forecast import forecast
from orchestrator.stacks.expected import Expected
from tests.make import make_gpu, make_host, make_job, make_plan

CATALOG = load_catalog()
JOBS = [make_job(repeat=repeat) for repeat in (1, 2, 3)]


@pytest.fixture
def expect(monkeypatch, tmp_path):
    """A function that forecasts with these facts of the host, and these seconds of earlier runs."""

    def call(seconds=None, plan=None, host=None, config=None, **facts):
        known = {
            "device": "cpu",
            "launcher": "docker",
            "results": Folder(what="results", path=str(tmp_path)),
            "cache": Folder(what="cache", path=""),
        }
        monkeypatch.setattr(module, "gather", lambda *_: Facts(**{**known, **facts}))
        monkeypatch.setattr(module, "earlier", lambda *_: seconds or {})
        request = RunRequest(out=Path(tmp_path), config=config or Config())
        return forecast(request, CATALOG, host or make_host(), plan or make_plan(jobs=JOBS))

    return call


def test_the_time_is_that_of_earlier_runs_shared_by_jobs_at_the_same_time(expect):
    found = expect({JOBS[0].id: 30.0, JOBS[1].id: 50.0}, config=Config(parallel=2))
    assert (found.seconds, found.timed, found.wall_s) == (80.0, 2, 40.0)
    assert expect().timed == 0


def test_images_to_be_made_need_disk_and_network(expect):
    disks = [Disk(what="1 images", path="/", free_mb=9000, needed_mb=3072)]
    found = expect(images={"keras2-theano": False, "keras3-jax": True}, disks=disks)
    measured = CATALOG.stack("keras2-theano").images["cpu"].measured
    assert (found.to_make, found.free_mb) == (["keras2-theano"], 9000)
    assert measured and found.making.mb == 2 * measured.mb - measured.shared_mb, "its packages twice, its layers once"
    assert found.network[0] == "to make an image"
    there = expect(images={"keras2-theano": True})
    assert (there.to_make, there.making) == ([], Expected())


def test_environments_and_the_network_of_a_script_are_told(expect):
    found = expect(launcher="process", config=Config(network=True))
    assert found.to_make is None
    assert found.network[0] == "to make environments that are not there yet"
    assert found.network[-1] == "for the script (--network)"


def test_the_device_is_named(expect):
    gpus = [make_gpu(0), make_gpu(1)]
    plan = make_plan(jobs=[make_job(device="gpu")])
    assert expect(plan=plan, host=make_host(gpus=gpus)).device == "2 × Tesla K80"
    assert expect().device == "the CPU of h, 4 cores, 1 for each job"


def test_on_a_cluster_the_nodes_decide(expect):
    found = expect(config=Config(executor="slurm"))
    assert (found.launcher, found.to_make) == ("the nodes decide", None)
