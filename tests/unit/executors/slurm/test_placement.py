"""Which nodes a job may run on: those asked for, less those that have shown that they cannot."""

from __future__ import annotations

import sys

import pytest

from orchestrator.errors import HostError
from orchestrator.executors.slurm.commands import Node, Ticket
from orchestrator.executors.slurm.controller import Refused, Silent
from orchestrator.executors.slurm.placement import Placement
from orchestrator.plan.config import Config, override
from tests.make import make_job

GPU_JOB = make_job(device="gpu", timeout_s=3601)


class Controller:
    """Answers every question whether a job could run with `raised`, one error for each `--cpus-per-task`."""

    def __init__(self, **raised):
        self.raised, self.asked = raised, []

    def could_run(self, argv):
        self.asked.append(argv)
        threads = next(word for word in argv if word.startswith("--cpus-per-task=")).partition("=")[2]
        if error := self.raised.get(f"cpus{threads}"):
            raise error


def node(name, **gpus):
    return Node(name=name, state="idle", cpus=4, gpus=gpus, features="", partition="p")


NODES = [node("k1", k80=2), node("k2", k80=2), node("h1", h100=1), node("c1")]


def placement(controller=None, others=(), **slurm):
    config = override(Config(), executor="slurm", slurm=slurm or None)
    return Placement(config, controller or Controller(), NODES, others)


def test_a_gpu_is_asked_for_by_gpu_jobs_only():
    placed = placement(gpu_type="k80", partition="gpu", options=["--qos=low"])
    request = placed.request(GPU_JOB)
    assert (request.gpus, request.settings.gpu_type, request.settings.partition) == (1, "k80", "gpu")
    assert request.settings.options == ["--qos=low"]
    assert placed.request(make_job()).gpus == 0


@pytest.mark.parametrize(("seconds", "minutes"), [(60, "11"), (61, "12"), (3600, "70"), (1, "11")])
def test_slurms_limit_leaves_time_for_the_image(seconds, minutes):
    job = make_job(timeout_s=seconds)
    assert placement().time_limit(job) == minutes
    assert placement().time_limit_in_words(job) == f"{minutes} min"


def test_a_limit_of_the_users_own_is_taken_as_it_is_written():
    placed = placement(time="1-12:00")
    assert placed.time_limit(GPU_JOB) == placed.time_limit_in_words(GPU_JOB) == "1-12:00"


def test_the_command_of_an_attempt_runs_its_order_with_the_nodes_python(tmp_path):
    ticket = Ticket(run_id="run", job_id=GPU_JOB.id, attempt=1, token="t")
    argv = placement(python="/opt/python").argv(ticket, GPU_JOB, tmp_path, "0" * 64)
    command = ["/opt/python", "-m", "orchestrator.executors.slurm.node", str(tmp_path / "spec.json"), "0" * 64]
    assert argv[-5:] == command
    assert {"--time=71", "--chdir=/", f"--cpus-per-task={GPU_JOB.threads}"} <= set(argv)
    assert placement().argv(ticket, GPU_JOB, tmp_path)[-5] == sys.executable


def test_nodes_like_one_that_cannot_run_a_backend_are_left_out_for_that_backend():
    placed = placement(others=["x9"])
    assert placed.learn_unfit(GPU_JOB, "k1"), "h1 may still be able to"
    assert placed.request(GPU_JOB).exclude == ["k1", "k2", "x9"]
    assert placed.request(make_job(device="gpu", backend="other")).exclude == ["x9"]
    assert not placed.learn_unfit(GPU_JOB, "h1")
    assert placed.request(GPU_JOB).exclude == ["h1", "k1", "k2", "x9"]


def test_of_another_type_of_gpu_than_asked_for_none_counts():
    assert not placement(gpu_type="k80").learn_unfit(GPU_JOB, "k2")
    assert placement(gpu_type="h100").learn_unfit(GPU_JOB, "k2")


def test_a_node_that_was_not_listed_is_left_out_alone():
    placed = placement()
    assert placed.learn_unfit(GPU_JOB, "new")
    assert placed.request(GPU_JOB).exclude[-1] == "new"


@pytest.mark.parametrize(("error", "place"), [(None, True), (Refused("no"), False), (Silent("?"), True)])
def test_silence_takes_no_place_away(tmp_path, error, place):
    ticket = Ticket(run_id="run", job_id=GPU_JOB.id, attempt=1, token="t")
    assert placement(Controller(cpus1=error)).has_place(ticket, GPU_JOB, tmp_path) is place


def test_a_run_is_refused_only_if_none_of_its_jobs_can_ever_run(tmp_path):
    small, large = make_job(), make_job(threads=99)
    controller = Controller(cpus99=Refused("too many CPUs"))
    placed = placement(controller, partition="gpu")
    placed.refuse_impossible([small, large, make_job(repeat=2)], tmp_path)
    assert len(controller.asked) == 2, "jobs that ask for the same are asked about once"
    placed.refuse_impossible([], tmp_path)
    with pytest.raises(HostError) as caught:
        placed.refuse_impossible([large], tmp_path)
    words = "Slurm can never run this (--partition=gpu, 99 CPUs: too many CPUs). Nothing was started."
    assert caught.value.message == words
    assert "--gpu-type" in caught.value.hint


def test_a_silent_controller_is_no_refusal(tmp_path):
    with pytest.raises(HostError, match="Slurm does not answer: timed out"):
        placement(Controller(cpus1=Silent("timed out"))).refuse_impossible([GPU_JOB], tmp_path)
