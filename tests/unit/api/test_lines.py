"""How a run goes on, a line at a time."""

from __future__ import annotations

from orchestrator.api.lines import Lines
from orchestrator.executors.executor import Outlook
from orchestrator.model import Result
from orchestrator.plan.names import Names
from tests.make import make_job


def test_it_says_what_starts_how_it_ended_and_nothing_that_steers_a_terminal():
    told = []
    lines, job = Lines(told.append), make_job()
    lines.planned(
        Outlook(names=Names(workloads={job.workload: "MNIST MLP"}, contenders={f"{job.stack}/{job.backend}": "Theano"}))
    )
    lines.expect(2)
    lines.started(job, "node\x1b1")
    lines.event(job, {})
    lines.finished(Result(run_id="r", job=job, status="failed", reason="no https://me:pass@host\nsecond"))
    assert told == [
        "[1/2] MNIST MLP on Theano (cpu) starts on node 1",
        "MNIST MLP on Theano (cpu): failed: no https://host\n  | second",
    ]
