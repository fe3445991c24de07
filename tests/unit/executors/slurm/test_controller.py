"""Slurm's commands as this host runs them: an answer, a refusal and silence are three things."""

from __future__ import annotations

import os

import pytest

from orchestrator.errors import HostError
from orchestrator.executors.slurm import commands, controller
from orchestrator.executors.slurm.controller import Controller, Full, Limited, Refused, Silent

VIOLATES = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
NO_CONTACT = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"


def shell(script):
    return ["sh", "-c", script]


@pytest.fixture
def says(monkeypatch):
    """Makes one of Slurm's commands print words and end with a code."""

    def make(name, words="", error="", code=0):
        script = 'printf "%s" "$1"; printf "%s" "$2" >&2; exit "$3"'
        monkeypatch.setattr(commands, name, lambda *asked: ["sh", "-c", script, "sh", words, error, str(code)])

    return make


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("kill -INT $$", Full),
        ("echo 'sbatch: error: Batch job submission failed: Invalid account' >&2; exit 1", Refused),
        (f'echo "sbatch: error: {VIOLATES}" >&2; exit 1', Limited),
        ("echo 'sbatch: error: Protocol authentication error' >&2; exit 1", Silent),
    ],
)
def test_how_a_submission_fails(script, error):
    with pytest.raises(error) as caught:
        Controller().submit(["sh", "-c", script])
    assert type(caught.value) is error


def test_a_command_that_a_signal_ended_has_not_answered():
    with pytest.raises(Silent, match="sh was ended by signal 2"):
        Controller().on_node(["sh", "-c", "kill -INT $$"])


def test_ctrl_c_of_the_terminal_does_not_reach_a_command():
    """It goes to the whole process group: every command has its own."""
    assert Controller().on_node(["sh", "-c", "cut -d ' ' -f 5 /proc/$$/stat"]).strip() != str(os.getpgrp())


def test_a_submission_without_a_number_may_or_may_not_be_in_the_queue():
    assert Controller().submit(shell("echo 17")) == "17"
    with pytest.raises(Full, match="sbatch answered 'Hello'"):
        Controller().submit(shell("echo Hello"))


@pytest.mark.parametrize(("call", "error"), [("submit", Full), ("on_node", Silent)])
def test_a_command_without_an_end_is_given_up(monkeypatch, call, error):
    monkeypatch.setattr(controller, "SUBMIT_S", 0.05)
    monkeypatch.setattr(controller, "LOOK_S", 0.05)
    with pytest.raises(error, match="did not come to an end"):
        getattr(Controller(), call)(["sleep", "600"])


def test_a_host_without_slurm_is_told_where_to_go():
    with pytest.raises(HostError, match="there is no nosuch-sbatch on this host") as caught:
        Controller().submit(["nosuch-sbatch"])
    assert caught.value.hint == "run it on a login node of the cluster, or use --executor local"


def test_only_a_refusal_says_that_a_job_could_never_run(says):
    for error, raised in (("Invalid account", Refused), (NO_CONTACT, Silent)):
        says("test_only", error=error, code=1)
        with pytest.raises(raised):
            Controller().could_run(["sbatch"])
    says("test_only", error="sbatch: error: AssocMaxSubmitJobLimit", code=1)
    Controller().could_run(["sbatch"])  # the queue is full now, which says nothing of the job


def test_no_list_of_jobs_is_silence_whatever_the_reason(says, monkeypatch):
    says("squeue", error="slurm_load_jobs error: Invalid user", code=1)
    with pytest.raises(Silent, match="Invalid user"):
        Controller().states("run")
    monkeypatch.setattr(commands, "squeue", lambda run_id: ["nosuch-squeue"])
    with pytest.raises(Silent, match="there is no nosuch-squeue"):
        Controller().states("run")
    says("squeue", words="1|RUNNING|None|n1|kbo/run/j/1/t\n")
    assert list(Controller().states("run")) == ["kbo/run/j/1/t"]


@pytest.mark.parametrize("error", [NO_CONTACT, "scancel: error: Invalid job id"])
def test_an_end_that_is_not_heard_is_asked_for_later(says, error):
    says("scancel", error=error, code=1)
    Controller().cancel("run", ["1"])


@pytest.mark.parametrize(
    ("partition", "where"),
    [("gpu", "the partition 'gpu' of this cluster has"), (None, "this cluster's default partition has")],
)
def test_a_partition_without_nodes_is_told(says, partition, where):
    says("sinfo", words="\n")
    with pytest.raises(HostError, match=f"{where} no nodes") as caught:
        Controller().nodes(partition)
    assert "--partition" in caught.value.hint


def test_a_cluster_that_does_not_answer_is_the_hosts_fault(says):
    says("sinfo", error=NO_CONTACT, code=1)
    with pytest.raises(HostError, match=r"Slurm does not answer: .*Unable to contact slurm controller") as caught:
        Controller().nodes(None)
    assert caught.value.hint == "does `sinfo` work here?"


def test_names_of_nodes_are_spelt_out_by_slurm(says):
    says("hostnames", words="n1\nn2\nm1\n")
    assert Controller().named("n[1-2],m1") == {"n1", "n2", "m1"}
    says("hostnames", error="scontrol: error: Invalid hostlist", code=1)
    with pytest.raises(HostError, match=r"slurm\.nodes: 'n\[1' names no nodes \(Invalid hostlist\)"):
        Controller().named("n[1")
