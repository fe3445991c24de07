"""The executor's decisions, without a cluster: what the controller and the nodes say is made up."""

from __future__ import annotations

import time

import msgspec
import pytest

from orchestrator.executors.slurm import flights, queue
from orchestrator.executors.slurm.attempts import Attempt, Outcome, Spec, Started
from orchestrator.executors.slurm.commands import JobState, Ticket
from orchestrator.executors.slurm.controller import Full, Limited, Refused, Silent
from orchestrator.executors.slurm.flights import Flights
from orchestrator.model import DataFile, Job, Result

pytestmark = pytest.mark.slow


def job(number: int) -> Job:
    return Job(
        workload="w", stack="s", backend="b", device="cpu", repeat=number, scale="smoke", epochs=1, batch_size=1,
        train=1, validation=1, seed=1, threads=1, timeout_s=60, dataset="d",
    )  # fmt: skip


class Cluster:
    """`said`: what squeue knows, by comment; `answers`: what sbatch does, in turn."""

    def __init__(self):
        self.said: dict[str, list[JobState]] = {}
        self.answers: list[object] = []
        self.submitted: list[str] = []
        self.cancelled: list[tuple[str, ...]] = []
        self.silent = False

    def submit(self, argv):
        answer = self.answers.pop(0) if self.answers else str(len(self.submitted) + 1)
        if isinstance(answer, Exception):
            raise answer
        self.submitted.append(argv[0])
        return answer

    def states(self, run_id):
        if self.silent:
            raise Silent("connection refused")
        return dict(self.said)

    def cancel(self, run_id, numbers=()):
        self.cancelled.append(tuple(numbers))


class FakeLedger:
    run_id = "run"

    def __init__(self, folder, cluster, acts):
        self.folder = folder
        self.cluster = cluster
        self.acts = acts
        self.rows: list[Result] = []
        self.attempts: list[Attempt] = []
        self.old: dict[str, Attempt] = {}

    def unfinished(self, job):
        return self.old.get(job.id)

    def begin(self, job, token=None):
        spec = Spec(
            ticket=Ticket(run_id="run", job_id=job.id, attempt=1, token=token or f"t{len(self.attempts)}"),
            job=job, device="cpu", launcher="process", root="/", workloads_sha256="0" * 64, orchestrator="0",
            cluster="c", data=DataFile(dataset="d", path="/d", sha256="0" * 64, kind="given", name="d"),
            stop=str(self.folder / "stop"),
        )  # fmt: skip
        self.attempts.append(Attempt.create(self.folder / job.id, spec))
        return self.attempts[-1]

    def is_own(self, attempt):
        return attempt.spec.root == "/"

    def argv(self, attempt):
        return [attempt.comment]

    def time_limit(self, job):
        return "1 min"

    def started(self, attempt, started): ...
    def event(self, job, event): ...

    def collect(self, attempt, outcome, instead):
        status, reason = instead or (outcome.result.status, outcome.result.reason)
        return self._record(msgspec.structs.replace(outcome.result, status=status, reason=reason))

    def retry_elsewhere(self, attempt, outcome):
        return self.begin(attempt.spec.job) if len(self.attempts) < 3 else None

    def close(self, job, attempt, verdict):
        return self._record(Result(run_id="run", job=job, status=verdict[0], reason=verdict[1]))

    def stop(self, attempts):
        for attempt in attempts:
            attempt.give_up()

    def _record(self, result):
        self.rows.append(result)
        return result


def ends(attempt, token=None, number="1", **more):
    """What a node leaves behind that ran it."""
    attempt.begin(Started(node="n1", number=number, pid=1))
    result = Result(run_id="run", job=attempt.spec.job, status=more.pop("status", "ok"))
    attempt.report(Outcome(token=token or attempt.spec.ticket.token, attempt=1, result=result, **more))


def state(attempt, of, number="1", reason="None"):
    return {attempt.comment: [JobState(number=number, state=of, reason=reason, node="n1", comment=attempt.comment)]}


@pytest.fixture
def made(tmp_path, monkeypatch):
    for module, name, value in ((flights, "POLL_S", 0.01), (queue, "ASK_S", 0.02), (flights, "FULL_S", 0.03)):
        monkeypatch.setattr(module, name, value)
    cluster = Cluster()
    ledger = FakeLedger(tmp_path, cluster, [])
    said: list[str] = []
    executor = Flights(cluster, ledger, bound=2, grace_s=0.1, patience_s=0.3, say=said.append)
    return cluster, ledger, executor, said


def run(executor, ledger, cluster, jobs, act):
    """Calls `act` at every look, as the world that changes meanwhile."""
    inner = executor._settled

    def settled(submit=True):
        act()
        yield from inner(submit)

    executor._settled = settled
    return list(executor.run(jobs))


def test_every_job_is_one_row_and_never_more_than_the_bound_are_submitted(made):
    cluster, ledger, executor, _ = made
    open_at_once = []

    def act():
        waiting = [a for a in ledger.attempts if a.comment in cluster.submitted and a.outcome() is None]
        open_at_once.append(len(waiting))
        for attempt in waiting[:1]:
            ends(attempt)

    results = run(executor, ledger, cluster, [job(i) for i in range(1, 6)], act)
    assert sorted(r.job.repeat for r in results) == [1, 2, 3, 4, 5]
    assert max(open_at_once) <= 2
    assert {r.status for r in results} == {"ok"}


def test_a_number_that_is_somebody_elses_by_now_is_not_ours(made):
    cluster, ledger, executor, _ = made

    def act():
        for attempt in ledger.attempts:
            if attempt.started() is None:
                attempt.begin(Started(node="n1", number="7", pid=1))
        stranger = "kbo/other/job/1/x"
        cluster.said = {stranger: [JobState(number="7", state="RUNNING", reason="", node="n1", comment=stranger)]}

    cluster.answers = ["7"]
    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, "forgotten it (it was Slurm job 7)" in result.reason) == ("failed", True)
    assert (ledger.attempts[0].folder / "cancel").exists()


def test_a_report_with_another_token_does_not_count(made):
    cluster, ledger, executor, _ = made

    def act():
        for attempt in ledger.attempts:
            if attempt.started() is None:
                ends(attempt, token="wrong")
            cluster.said = state(attempt, "FAILED")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, "without a result" in result.reason) == ("failed", True)


def test_a_submission_of_which_nobody_knows_is_looked_for_before_it_is_repeated(made):
    cluster, ledger, executor, said = made
    cluster.answers = [Full("sbatch did not come to an end")]

    def act():
        for attempt in ledger.attempts:  # Slurm had taken it all the same
            cluster.said = state(attempt, "RUNNING", number="9")
            if attempt.outcome() is None and executor._queue.find(attempt.comment, None):
                ends(attempt, number="9")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, cluster.submitted) == ("ok", [])
    assert len([line for line in said if "takes no job now" in line]) == 1


def test_a_full_queue_is_tried_again_until_it_takes_the_job(made):
    cluster, ledger, executor, _ = made
    cluster.answers = [Full("AssocMaxSubmitJobLimit")] * 3

    def act():
        for attempt in ledger.attempts:
            if attempt.comment in cluster.submitted and attempt.outcome() is None:
                ends(attempt)

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, len(cluster.submitted)) == ("ok", 1)


def test_a_refusal_is_a_row(made):
    cluster, ledger, executor, _ = made
    cluster.answers = [Refused("Invalid account")]
    (result,) = run(executor, ledger, cluster, [job(1)], lambda: None)
    assert (result.status, "Slurm refuses it: Invalid account" in result.reason) == ("failed", True)


def test_a_limit_that_may_be_the_jobs_own_is_not_waited_for_for_ever(made):
    cluster, _, executor, _ = made
    cluster.answers = [Limited("Job violates accounting/QOS policy (job submit limit, ...)")] * 1000
    (result,) = run(executor, _, cluster, [job(1)], lambda: None)
    assert (result.status, "Slurm refuses it: Job violates" in result.reason) == ("failed", True)
    assert len(cluster.answers) < 999  # it was tried again before


def test_a_limit_that_other_jobs_of_the_run_may_have_filled_is_waited_for(made):
    cluster, ledger, executor, _ = made
    cluster.answers = ["1", *[Limited("job submit limit")] * 20]  # twenty times FULL_S is beyond the patience

    def act():
        first, *others = ledger.attempts or [None]
        if first and first.comment in cluster.submitted:
            cluster.said = state(first, "RUNNING")
            if not cluster.answers and first.outcome() is None:
                ends(first)
        for other in others:
            if other.comment in cluster.submitted and other.outcome() is None:
                ends(other, number="2")

    results = run(executor, ledger, cluster, [job(1), job(2)], act)
    assert [result.status for result in results] == ["ok", "ok"]


def test_a_silent_controller_is_waited_for_and_given_up_in_the_end(made):
    cluster, ledger, executor, said = made
    cluster.silent = True
    (result,) = run(executor, ledger, cluster, [job(1)], lambda: None)
    assert (result.status, "has not answered" in result.reason) == ("failed", True)
    assert len([line for line in said if "does not answer" in line]) == 1


def test_what_an_earlier_session_submitted_is_followed_and_not_submitted_again(made):
    cluster, ledger, executor, _ = made
    old = ledger.begin(job(1), token="old")
    ledger.old[old.spec.job.id] = old
    cluster.said = state(old, "RUNNING", number="4")
    looks = []

    def act():
        looks.append(1)
        if len(looks) == 10:
            ends(old, number="4")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, cluster.submitted) == ("ok", [])


def test_a_job_that_was_never_begun_and_is_forgotten_is_submitted_once_more(made):
    cluster, ledger, executor, said = made

    def act():
        if len(cluster.submitted) == 2 and ledger.attempts[0].outcome() is None:
            ends(ledger.attempts[0])

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, len(cluster.submitted)) == ("ok", 2)
    assert "which had not begun: once more" in said[-1]


def test_an_order_that_this_session_would_not_give_is_given_anew(made):
    cluster, ledger, executor, said = made
    old = ledger.begin(job(1), token="theirs")
    theirs = Attempt(old.folder, msgspec.structs.replace(old.spec, root="/theirs"))
    ledger.old[job(1).id] = theirs

    def act():
        for attempt in ledger.attempts[1:]:
            ends(attempt)

    rows = run(executor, ledger, cluster, [job(1)], act)
    assert [row.status for row in rows] == ["ok"]
    assert cluster.submitted == [ledger.attempts[1].comment]
    assert theirs.given_up()
    assert any("is not as it would be given now" in line for line in said)


def test_a_job_whose_gpu_does_not_suit_goes_to_other_nodes_until_none_is_left(made):
    cluster, ledger, executor, _ = made

    def act():
        for attempt in ledger.attempts:
            if attempt.comment in cluster.submitted and attempt.folder.exists() and attempt.outcome() is None:
                ends(attempt, misfit=True, status="unsupported")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, len(cluster.submitted)) == ("unsupported", 3)


def test_stopping_gives_every_job_a_row(made):
    cluster, ledger, executor, _ = made

    def act():
        for attempt in ledger.attempts[:1]:
            if attempt.started() is None:
                attempt.begin(Started(node="n1", number="1", pid=1))
        if len(cluster.submitted) == 2:
            executor.stop()

    results = run(executor, ledger, cluster, [job(i) for i in range(1, 5)], act)
    assert [r.status for r in results] == ["cancelled"] * 4
    reasons = sorted(r.reason for r in results)
    assert reasons.count("stopped by the user while it ran") == 1
    assert () in cluster.cancelled


def test_closing_the_iterator_stops_what_runs(made):
    cluster, _, executor, _ = made
    results = executor.run([job(1), job(2)])
    cluster.answers = [Refused("no"), "2"]
    next(results)
    results.close()
    assert () in cluster.cancelled


def gives_up(cluster, ledger, executor, jobs):
    """Both jobs run when the controller begins to be silent."""

    def act():
        for attempt in ledger.attempts:
            if attempt.comment in cluster.submitted and attempt.started() is None:
                attempt.begin(Started(node="n1", number=str(cluster.submitted.index(attempt.comment) + 1), pid=1))
                cluster.said |= state(attempt, "RUNNING", number=attempt.started().number)
        cluster.silent = len(cluster.submitted) == len(jobs)

    return run(executor, ledger, cluster, jobs, act)


def test_a_silent_controller_is_not_told_what_is_given_up(made):
    """Each call would wait for it; the markers end the jobs."""
    cluster, ledger, executor, _ = made
    results = gives_up(cluster, ledger, executor, [job(1), job(2)])
    assert [result.status for result in results] == ["failed"] * 2
    assert cluster.cancelled == []
    assert all((attempt.folder / "cancel").exists() for attempt in ledger.attempts)


def test_stopping_does_not_wait_for_a_silent_controller(made):
    cluster, _, executor, _ = made
    cluster.silent = True
    executor._queue.ask(wait=True)
    executor.stop()
    assert cluster.cancelled == []


def test_slurm_is_told_once_of_all_jobs_that_are_given_up(made):
    cluster, ledger, executor, _ = made

    def act():
        if len(cluster.submitted) == 2:
            for number, attempt in enumerate(ledger.attempts, 1):
                cluster.said |= state(attempt, "PENDING", number=str(number), reason="PartitionConfig")

    results = run(executor, ledger, cluster, [job(1), job(2)], act)
    assert [result.status for result in results] == ["unsupported"] * 2
    assert cluster.cancelled == [("1", "2")]


@pytest.mark.parametrize("epilog_s", [0.0, 0.2])
def test_why_a_job_was_ended_is_waited_for_while_its_epilog_runs(made, epilog_s):
    """The grace is 0.1 s and the patience 0.3 s."""
    cluster, ledger, executor, _ = made
    ended_at: list[float] = []

    def act():
        for attempt in ledger.attempts:
            if attempt.comment in cluster.submitted and attempt.outcome() is None:
                cluster.said = state(attempt, "COMPLETING")
                ends(attempt, status="cancelled", ended_by="slurm")
                ended_at.append(time.monotonic())
            elif ended_at and time.monotonic() - ended_at[0] > epilog_s:
                cluster.said = state(attempt, "TIMEOUT")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert result.status == "timeout"


def test_an_epilog_that_never_ends_is_not_waited_for_for_ever(made):
    cluster, ledger, executor, _ = made

    def act():
        for attempt in ledger.attempts:
            if attempt.comment in cluster.submitted and attempt.outcome() is None:
                cluster.said = state(attempt, "COMPLETING")
                ends(attempt, status="cancelled", ended_by="slurm")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert result.status == "cancelled"


def test_a_job_that_reports_nothing_and_stays_in_its_epilog_is_given_up(made):
    cluster, ledger, executor, _ = made

    def act():
        for attempt in ledger.attempts:
            if attempt.comment in cluster.submitted:
                cluster.said = state(attempt, "COMPLETING")

    (result,) = run(executor, ledger, cluster, [job(1)], act)
    assert (result.status, "without a result" in result.reason) == ("failed", True)


def looked(ledger, cluster, of, begun=True, reason="None"):
    """An earlier session's job, as Slurm knows it now."""
    old = ledger.begin(job(1), token="old")
    ledger.old[old.spec.job.id] = old
    if begun:
        old.begin(Started(node="n1", number="1", pid=1))
    cluster.said = state(old, of, reason=reason)


def test_a_look_does_not_call_dead_jobs_running(made):
    cluster, ledger, executor, _ = made
    looked(ledger, cluster, "NODE_FAIL")
    assert executor.collect([job(1)]) == {"running": 0, "in the queue": 0, "not submitted": 0}
    assert [row.status for row in ledger.rows] == ["failed"]


def test_a_look_leaves_alone_what_runs_and_what_waits(made):
    cluster, ledger, executor, _ = made
    looked(ledger, cluster, "RUNNING")
    assert executor.collect([job(1), job(2)]) == {"running": 1, "in the queue": 0, "not submitted": 1}
    assert (ledger.rows, cluster.cancelled) == ([], [])


def test_a_look_takes_nothing_back(made):
    cluster, ledger, executor, _ = made
    looked(ledger, cluster, "PENDING", begun=False, reason="PartitionConfig")
    assert executor.collect([job(1)]) == {"running": 0, "in the queue": 1, "not submitted": 0}
    assert (ledger.rows, cluster.cancelled) == ([], [])
