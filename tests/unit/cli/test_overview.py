"""The overview of a plan: a matrix that fits, what will not run and why, and what the rest takes."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.cli.overview import overview
from orchestrator.data.find import DataRow
from orchestrator.model import Skip
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.names import names
from orchestrator.run.forecast import Forecast
from orchestrator.stacks.expected import Expected
from tests.make import make_job, make_plan

CATALOG = load_catalog()
BACKENDS = (("keras3-torch", "torch"), ("keras2-theano", "theano"))
JOBS = [
    make_job(workload=workload, stack=stack, backend=backend, repeat=repeat)
    for repeat, workload, (stack, backend) in itertools.product((2, 1), ("mnist_rnn", "mnist_mlp"), BACKENDS)
]
SKIPPED = [Skip(job=job, status="unsupported", reason="needs python2.7") for job in JOBS if job.backend == "theano"]
PLAN = make_plan(jobs=[job for job in JOBS if job.backend == "torch"], skipped=SKIPPED)
EXPECTED = Forecast(launcher="docker", device="the CPU of h, 4 cores", seconds=90.0, timed=3, to_make=["keras3-torch"],
                    making=Expected(images=1, mb=3072, sized=1, seconds=61, timed=1), free_mb=9216,
                    network=["to make an image"],
                    data=[DataRow(dataset="mnist", state="ok", kind="synthetic", path="/d/mnist.npz")])  # fmt: skip


def lines(columns=200, expected=EXPECTED, plan=PLAN):
    return overview(plan, names(plan.planned, CATALOG.workloads, CATALOG.stacks), expected, columns)


def words(text) -> str:
    return " ".join(" ".join(text).split())


def test_contenders_stand_down_and_models_across_in_the_order_of_the_catalog():
    found = lines()
    assert found[0] == "8 jobs: 2 models × 2 contenders × 2 repeats, smoke"
    assert [line.split() for line in found[2:6] if "─" not in line] == [
        ["contender", "MNIST", "MLP", "MNIST", "hierarchical", "RNN"],
        ["Theano", "(cpu)", "2", "unsupported", "2", "unsupported"],
        ["PyTorch", "2.13.0", "(cpu)", "2", "2"],
    ]


def test_what_will_not_run_has_its_reason():
    said = words(lines())
    assert "unsupported 4 MNIST hierarchical RNN on Theano (cpu) needs python2.7 MNIST MLP on Theano (cpu)" in said


def test_what_the_rest_takes_is_said_or_said_to_be_unknown():
    said = words(lines())
    assert "time about 2 min 00 s, as in earlier runs here, and 1 job of unknown length; beside it" in said
    assert "images to make them: about 2 min 00 s" in said
    assert "disk about 3.0 GiB with what their builds leave in the cache (free: 9.0 GiB) for 1 image to be made" in said
    assert "network to make an image" in said
    assert "data mnist: SYNTHETIC, /d/mnist.npz" in said
    bare = words(lines(expected=Forecast(launcher="process", device="the CPU")))
    assert "time unknown: no earlier run here has these jobs" in bare and "network none needed" in bare
    assert "no image is to be made" in words(lines(expected=Forecast(launcher="docker", device="the CPU", to_make=[])))


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_it_fits_the_terminal(columns):
    found = lines(columns)
    assert max(map(len, found)) <= columns
    assert words(found).count("unsupported") >= 3


def test_a_plan_without_jobs_is_an_overview_too():
    assert lines(plan=make_plan(jobs=[]))[0].startswith("0 jobs: 0 models")


def test_settings_stand_by_size():
    jobs = [make_job(axes={"width": width}) for width in ("13", "16", "-4", "14.5")]
    told = lines(plan=make_plan(jobs=jobs))
    named = [line.split(", width ")[1].split()[0] for line in told if ", width " in line]
    assert named == ["-4", "13", "14.5", "16"]
