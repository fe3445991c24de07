"""From a configuration and a host to a plan: what is left open is decided, what cannot be had costs its own jobs."""

from __future__ import annotations

import datetime

import msgspec
import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.model import Skip, Unavailable
from orchestrator.plan import draft
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, recorded_config
from orchestrator.plan.request import RunRequest
from tests.make import make_gpu, make_host, make_job, make_plan

CATALOG = load_catalog()
CPU_HOST = make_host()
GPU_HOST = make_host(gpus=[make_gpu(0), make_gpu(1)], no_gpu="")
MLP = Config(stacks=["keras2-theano"], workloads=["mnist_mlp"])


@pytest.mark.parametrize(
    ("host", "config", "device", "scale", "threads"),
    [
        (CPU_HOST, Config(), "cpu", "quick", 3),
        (CPU_HOST, Config(parallel=3), "cpu", "quick", 1),
        (GPU_HOST, Config(), "gpu", "article", 1),  # three cores for two GPUs
        (GPU_HOST, Config(parallel=4), "gpu", "article", 1),
        (GPU_HOST, Config(device="cpu"), "cpu", "quick", 3),
        (GPU_HOST, Config(scale="smoke", threads=4), "gpu", "smoke", 4),
    ],
)
def test_what_a_configuration_leaves_open_is_decided_by_the_host(host, config, device, scale, threads):
    decided = draft.decide(config, host)
    assert (decided.device, decided.scale, decided.threads) == (device, scale, threads)


def test_a_gpu_that_nothing_of_the_plan_fits_takes_no_threads():
    """A card for the screen beside one that computes halved the threads of every job."""
    screen, card = (
        make_gpu(0, name="GT 1030", compute_capability="6.1"),
        make_gpu(1, compute_capability="8.9", driver="580.1"),
    )
    both = make_host(cores=list(range(16)), gpus=[screen, card], no_gpu="")
    modern = Config(stacks=["keras3-*"], device="gpu")
    assert draft.decide(modern, both, CATALOG.stacks).threads == 15
    assert draft.decide(MLP, both, CATALOG.stacks).threads == 15
    assert draft.decide(Config(device="gpu"), both, CATALOG.stacks).threads == 7


@pytest.mark.parametrize(("timeout", "seconds"), [(None, None), ("2m", 120)])
def test_a_time_limit_is_in_seconds_or_the_scales(timeout, seconds):
    assert draft.decide(Config(timeout=timeout), CPU_HOST).timeout_s == seconds


def test_a_gpu_that_is_insisted_on_must_be_there():
    with pytest.raises(HostError, match=r"none that can be used \(no driver\)\. Nothing was started") as caught:
        draft.decide(Config(device="gpu"), CPU_HOST)
    assert caught.value.hint == "add `--device cpu --scale quick` to the command"


def test_a_plan_holds_its_configuration_and_a_row_for_every_excluded_job():
    config = msgspec.structs.replace(MLP, repeats=3, exclude=["*.2"], seed=5)
    plan = draft.make_plan(config, CATALOG, CPU_HOST)
    assert (len(plan.jobs), [skip.status for skip in plan.skipped]) == (2, ["excluded"])
    assert plan.seed == 5 and plan.released == {"keras2-theano/theano": "2017-08"}
    assert recorded_config(plan) == config


def test_two_plans_of_one_configuration_differ_in_nothing_but_their_names():
    first, second = (draft.make_plan(MLP, CATALOG, CPU_HOST) for _ in range(2))
    assert first.jobs == second.jobs
    assert first.run_id != second.run_id


def test_a_replay_runs_the_recorded_plan_but_checks_names_and_device(tmp_path):
    old = make_plan(jobs=[make_job(seed=99)])
    request = RunRequest(config=MLP, seed_plan=old, out=tmp_path)
    assert draft.draft(request, CATALOG, CPU_HOST) is old
    assert draft.draft(msgspec.structs.replace(request, seed_plan=None), CATALOG, CPU_HOST).jobs != old.jobs
    misnamed = msgspec.structs.replace(request, config=Config(stacks=["keras2-thaeno"]))
    with pytest.raises(UserError, match="no stack is called 'keras2-thaeno'"):
        draft.draft(misnamed, CATALOG, CPU_HOST)
    with pytest.raises(HostError):
        draft.draft(msgspec.structs.replace(request, config=Config(device="gpu")), CATALOG, CPU_HOST)


def test_only_stacks_with_a_job_to_run_are_made_ready():
    gone = Skip(job=make_job(stack="keras3-jax"), status="excluded", reason="by hand")
    plan = make_plan(jobs=[make_job(stack="keras3-torch"), make_job(stack="keras1-mxnet")], skipped=[gone])
    assert [stack.name for stack in draft.chosen_stacks(plan, CATALOG)] == ["keras1-mxnet", "keras3-torch"]


def test_a_job_that_lacks_something_is_skipped_with_the_first_reason():
    theano, cntk = make_job(), make_job(stack="keras2-tensorflow-cntk", backend="cntk")
    tensorflow = make_job(stack="keras2-tensorflow-cntk", backend="tensorflow")
    before = Skip(job=make_job(repeat=2), status="excluded", reason="by hand")
    plan = make_plan(jobs=[theano, cntk, tensorflow], skipped=[before])
    missing = [
        Unavailable(status="unsupported", reason="no CUDA", stack=cntk.stack, backend="cntk"),
        Unavailable(status="failed", reason="no image", stack=cntk.stack),
    ]
    left = draft.drop_unready(plan, missing)
    assert left.jobs == [theano]
    assert left.skipped == [
        before,
        Skip(job=cntk, status="unsupported", reason="no CUDA"),
        Skip(job=tensorflow, status="failed", reason="no image"),
    ]
    assert left.planned == [theano, before.job, cntk, tensorflow], "every planned job keeps its row"


def test_a_data_set_that_is_missing_concerns_all_its_jobs():
    plan = make_plan(jobs=[make_job(), make_job(workload="babi_rnn", dataset="babi")])
    left = draft.drop_unready(plan, [Unavailable(status="failed", reason="data: gone", dataset="mnist")])
    assert [job.dataset for job in left.jobs] == ["babi"]


def test_what_no_gpu_runs_is_unsupported_backend_by_backend():
    (found,) = draft.no_gpu_for({("keras2-theano", "theano"): "too new"})
    assert found.concerns(make_job())
    assert not found.concerns(make_job(backend="other"))
    assert (found.status, found.reason) == ("unsupported", "too new")


def test_ids_of_runs_sort_by_time_and_differ_in_one_moment():
    now = datetime.datetime(2026, 1, 2, 3, 4, 5)
    ids = {draft.new_run_id(now) for _ in range(20)}
    assert len(ids) > 1
    assert all(run_id.startswith("20260102-030405-") for run_id in ids)
    for later in (datetime.timedelta(milliseconds=8), datetime.timedelta(seconds=1)):
        assert max(ids) < draft.new_run_id(now + later)


def test_threads_follow_the_cpu_quota_and_not_the_cores_alone():
    config = Config(device="cpu")
    free, tight = make_host(cores=list(range(8))), make_host(cores=list(range(8)), cpu_quota=3.5)
    assert (draft.decide(config, free).threads, draft.decide(config, tight).threads) == (7, 2)
    assert draft.decide(config, make_host(cpu_quota=0.2)).threads == 1
