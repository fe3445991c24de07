"""Rounds of further repeats until the cells are known well enough."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.executors.prepared import Ready
from orchestrator.model import Job, Plan, Result
from orchestrator.results.folder import RunFolder
from orchestrator.run import repeat
from orchestrator.stats import stopping_rule

JOB = Job(
    workload="mnist_mlp", stack="keras3-jax", backend="jax", device="cpu", repeat=1, scale="smoke", epochs=2,
    batch_size=128, train=1280, validation=256, seed=7, threads=1, timeout_s=60, dataset="mnist",
)  # fmt: skip

OTHER = msgspec.structs.replace(JOB, workload="mnist_cnn")


def read(folder):
    return msgspec.json.decode((folder.path / "until.json").read_bytes(), type=stopping_rule.Ending)


def plan(*jobs):
    return Plan(run_id="20260101-000000-abcd", created="", config={}, seed=7, jobs=list(jobs))


@pytest.fixture
def fake(tmp_path):
    first = [msgspec.structs.replace(job, repeat=1) for job in (JOB, OTHER)]
    whole = plan(*first)
    folder = RunFolder.create(tmp_path, whole)
    ready = Ready(plan=whole, launcher="process", pending=whole.jobs)
    return ready, folder


class Executor:
    """Writes results whose times get calmer with every repeat; nothing is launched."""

    def run(self, ready, folder, listener):
        for job in ready.pending:
            seconds = 1.0 + 0.001 * job.repeat if job.workload == JOB.workload else 1.0 + (job.repeat % 2)
            epochs = [{"epoch": i, "t": float(i), "train_s": seconds, "elapsed_s": float(i)} for i in (1, 2)]
            result = Result(run_id=ready.plan.run_id, job=job, status="ok", epochs=epochs)
            folder.write_result(result)
            yield result

    def stop(self):
        pass


class Silent:
    expected = 0

    def expect(self, more):
        self.expected += more


def test_rounds_go_on_until_the_bound_and_every_added_job_is_planned(fake):
    ready, folder = fake
    ready = msgspec.structs.replace(ready, plan=msgspec.structs.replace(ready.plan, jobs=ready.plan.jobs[:1]))
    progress = Silent()
    interrupted, _ = repeat.execute_until(Executor(), ready, folder, progress, 0.02, 60)
    ending = read(folder)
    assert (interrupted, ending.ended_by, ending.added_jobs, progress.expected) == (False, "bound", 4, 2 + 4)
    assert [job.repeat for job in folder.plan().planned] == [1, 2, 3, 4, 5]
    assert len(folder.results()) == 5


def test_the_budget_ends_it_and_that_is_said(fake):
    ready, folder = fake
    _, words = repeat.execute_until(Executor(), ready, folder, Silent(), 0.02, 0)
    ending = read(folder)
    assert (ending.ended_by, ending.added_jobs) == ("budget", 0)
    assert "the budget is spent" in words[0]


def test_a_noisy_task_goes_on_alone(fake, monkeypatch):
    ready, folder = fake
    clock = iter(range(100))
    monkeypatch.setattr(repeat.time, "monotonic", lambda: float(next(clock)))
    repeat.execute_until(Executor(), ready, folder, Silent(), 0.02, 7)
    ending = read(folder)
    counts = {state.cell.split(".")[0]: (state.repeats, state.state) for state in ending.cells}
    assert counts[JOB.workload] == (5, "settled")
    assert counts["mnist_cnn"][0] > 5 and counts["mnist_cnn"][1] == "open"
    assert len(folder.plan().planned) == len(folder.results())
