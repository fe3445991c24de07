"""What a row says of a job that Slurm ended, lost or forgot."""

from __future__ import annotations

import pytest

from orchestrator.executors.slurm import verdicts
from orchestrator.executors.slurm.commands import ENDED, JobState


def known(state, reason="None", node="n1"):
    return JobState(number="7", state=state, reason=reason, node=node, comment="kbo/x")


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("CANCELLED", "cancelled", "cancelled in Slurm, not by this run"),
        ("TIMEOUT", "timeout", "time limit (70 min)"),
        ("PREEMPTED", "cancelled", "preempted"),
        ("NODE_FAIL", "failed", "Slurm lost the node under Slurm job 7 on n1"),
        ("OUT_OF_MEMORY", "oom", "out of the memory"),
        ("FAILED", "failed", "ended (FAILED) without a result; its last words: Killed"),
    ],
)
def test_a_job_that_slurm_ended_is_one_row_that_says_how(state, status, words):
    found = verdicts.by_slurm(known(state), "7", "70 min", "Killed")
    assert (found[0], words in found[1]) == (status, True), found


def test_a_forgotten_job_says_so():
    assert verdicts.by_slurm(None, "7", "", "") == (
        "failed",
        "the controller has forgotten it (it was Slurm job 7); `orchestrate run --resume` runs it again",
    )


def test_a_forgotten_job_that_never_had_a_number_says_that_too():
    assert "(it was Slurm job without a number)" in verdicts.by_slurm(None, "", "", "")[1]


def test_what_is_not_known_is_not_told():
    _, reason = verdicts.by_slurm(known("FAILED", node=""), "7", "70 min", "")
    assert reason == "Slurm job 7 ended (FAILED) without a result"


def test_every_end_that_tells_more_than_a_failure_is_an_end():
    assert verdicts.TELLING < ENDED
    assert all("without a result" not in verdicts.by_slurm(known(s), "7", "1 min", "x")[1] for s in verdicts.TELLING)


def test_which_jobs_another_resume_takes_up_again():
    """Resuming runs `cancelled` again by itself, `failed` only on request, `unsupported` never: the words agree."""
    assert verdicts.stopped(True) == ("cancelled", "stopped by the user while it ran")
    assert verdicts.stopped(False) == ("cancelled", "stopped by the user before it started")
    assert verdicts.hopeless(known("PENDING", "InvalidAccount"))[0] == "unsupported"
    assert "(InvalidAccount): see partition, account" in verdicts.hopeless(known("PENDING", "InvalidAccount"))[1]
    status, reason = verdicts.refused("too many CPUs")
    assert (status, "too many CPUs" in reason, "--retry-failed" in reason) == ("failed", True, True)
    assert verdicts.silent(599.7)[1].startswith("Slurm's controller has not answered for 600 s: given up")
