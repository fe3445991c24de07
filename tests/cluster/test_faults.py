"""Everything that goes wrong on a cluster, made to happen: one row each, and nothing left on any node within 5 s."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time

import pytest

from tests.cluster.conftest import User, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
#: How long anything may stay on a node after its end was ordered.
BOUND_S = 5


@pytest.fixture(scope="module")
def story(cluster, place, tmp_path_factory):
    """One run of seven jobs that would hang, each brought to another end."""
    user = User(cluster, place, tmp_path_factory.mktemp("story"), gpu_type="k80")
    user.module = "orchestrator"  # with a report of all these ends
    process = user.run("--workload", "hang", "--stack", "stub-old", "--repeats", "7", "--json")
    seen: dict[str, object] = {"left": {}}
    known: set[str] = set()

    def next_job() -> str:
        """One that runs, and has not been seen before."""
        until(lambda: any(tidy(job) for job in set(user.started()) - known), "the next job")
        return next(job for job in sorted(set(user.started()) - known) if tidy(job))

    def tidy(job: str) -> bool:
        return any("run.py" in words for words in user.processes(f"/{job}/"))

    def end(job: str, how: str, act) -> None:
        known.add(job)
        seen[how] = job
        act()
        seen["left"][how] = until(lambda: not user.processes(f"/{job}/"), f"the end of {job} ({how})")

    late = next_job()
    known.add(late)
    number = user.started()[late]["number"]
    seen["time limit"], seen["shown"] = late, cluster.ask("scontrol", "show", "job", number)
    cluster.ask("scontrol", "update", f"JobId={number}", "EndTime=now+1seconds")  # Slurm looks every 30 s
    waiting = cluster.jobs("pending")[-1]
    end(waiting[3].split("/")[2], "scancel while it waits", lambda: cluster.ask("scancel", waiting[0]))
    job = next_job()
    end(job, "scancel", lambda: cluster.ask("scancel", user.started()[job]["number"]))
    job = next_job()
    end(job, "kill -9", lambda: os.kill(user.started()[job]["pid"], signal.SIGKILL))
    job = next_job()
    end(job, "signal", lambda: cluster.ask("scancel", "--signal=TERM", "--full", user.started()[job]["number"]))
    until(lambda: number not in [line[0] for line in cluster.jobs("running")], "the time limit", 60)
    end(late, "time limit", lambda: None)
    known.add(next_job())
    other = next_job()
    urgent = ["sbatch", "--partition=urgent", "--gres=gpu:k80:2", "--output=/dev/null", "--wrap=sleep 1"]
    end(other, "preemption", lambda: cluster.ask(*urgent))
    code, rows, said = user.finish(process)
    return code, {row["job_id"]: row for row in rows}, seen, said, user


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("scancel while it waits", "cancelled", "was cancelled in Slurm, not by this run"),
        ("scancel", "cancelled", "was cancelled in Slurm, not by this run"),
        ("kill -9", "failed", "without a result"),
        ("time limit", "timeout", "was ended at its time limit (11 min)"),
        ("signal", "cancelled", "ended by a signal on n1, not by this run"),
        ("preemption", "cancelled", "was preempted by another one"),
    ],
)
def test_each_end_has_its_status_and_reason(story, how, status, words):
    _, rows, seen, _, _ = story
    row = rows[seen[how]]
    assert (row["status"], words in row["reason"]) == (status, True), row["reason"]


def test_every_job_is_one_row_and_nothing_was_left(story):
    code, rows, seen, _, user = story
    assert (code, len(rows)) == (1, 7)
    assert {how for how, seconds in seen["left"].items() if seconds > BOUND_S} == set()
    assert user.processes() == []


def test_slurm_was_told_never_to_run_a_job_twice(story):
    assert "Requeue=0 Restarts=0" in story[2]["shown"]
    assert "Comment=kbo/" in story[2]["shown"]


def nothing_left(user: User) -> None:
    until(lambda: not user.processes(), "the nodes to be empty", BOUND_S)
    until(lambda: not user.cluster.jobs("running,pending"), "the queue to be empty", BOUND_S)


def test_ctrl_c_ends_what_runs_and_what_waits(user):
    process = user.run("--workload", "hang", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "4", "--json")
    user.until_running(2)
    process.send_signal(signal.SIGINT)
    nothing_left(user)
    code, rows, _ = user.finish(process)
    assert (code, [row["status"] for row in rows]) == (130, ["cancelled"] * 4)
    reasons = sorted(row["reason"] for row in rows)
    assert reasons == ["stopped by the user before it started"] * 2 + ["stopped by the user while it ran"] * 2


def test_ctrl_c_in_a_terminal_does_not_reach_the_sbatch_that_runs(user):
    """There it goes to all processes of the group. What sbatch was about to submit is stopped, not refused."""
    slow = user.out / "bin" / "sbatch"
    slow.parent.mkdir()
    real = shutil.which("sbatch", path=user.environment["PATH"])
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *--test-only*) ;; *) : > {user.out}/called; sleep 1;; esac\nexec {real} "$@"\n'
    )
    slow.chmod(0o755)
    user.environment["PATH"] = f"{slow.parent}:{user.environment['PATH']}"
    words = ["--workload", "hang", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "3", "--json"]
    process = user.run(*words, start_new_session=True)
    until((user.out / "called").exists, "sbatch to run")
    os.killpg(process.pid, signal.SIGINT)
    code, rows, _ = user.finish(process)
    assert (code, [row["status"] for row in rows]) == (130, ["cancelled"] * 3), [row["reason"] for row in rows]
    nothing_left(user)


def test_ctrl_c_twice_ends_at_once_and_leaves_nothing_either(user):
    process = user.run("--workload", "hang", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "4")
    user.until_running(2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert process.wait(10) == 130
    assert time.monotonic() - begun < BOUND_S
    process.communicate()
    nothing_left(user)


@pytest.fixture
def mended(cluster):
    """For tests that break the cluster."""
    yield
    cluster.mend()


@pytest.mark.usefixtures("mended")
def test_a_killed_slurmd_costs_its_job_and_leaves_nothing(user):
    process = user.run("--workload", "hang", "--stack", "stub-today", "--gpu-type", "h100", "--json")
    user.until_running(1)
    user.cluster.kill("n2")
    try:
        until(lambda: list(user.out.glob("results/2*/jobs/*/result.json")), "Slurm to find out", 60)
        until(lambda: not user.processes(), "the node to be empty", BOUND_S)
        code, (row,), _ = user.finish(process)
        assert (code, row["status"]) == (1, "failed")
        assert "Slurm lost the node under" in row["reason"]
    finally:
        user.cluster.start_node("n2")


@pytest.mark.usefixtures("mended")
def test_a_killed_controller_is_waited_for_and_costs_nothing(user):
    words = ["--workload", "slow", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "2", "--epochs", "12"]
    process = user.run(*words, "--json")
    user.until_running(2)
    time.sleep(6)  # the controller saves its state every 5 s
    user.cluster.kill("slurmctld")
    time.sleep(5)
    user.cluster.start_controller()
    code, rows, said = user.finish(process)
    assert (code, [row["status"] for row in rows]) == (0, ["ok"] * 2), [row["reason"] for row in rows]
    assert said.count("Slurm's controller does not answer") == 1
    assert "Slurm's controller answers again" in said


@pytest.mark.usefixtures("mended")
def test_a_controller_that_forgets_jobs_and_reuses_their_numbers_confuses_nobody(user):
    process = user.run("--workload", "hang", "--stack", "stub-today", "--gpu-type", "h100", "--repeats", "2", "--json")
    ((job, started),) = user.until_running(1).items()
    until(lambda: user.cluster.jobs("pending"), "the other job to wait")
    user.cluster.kill("slurmctld")
    for path in (user.cluster.folder / "state").glob("job_state*"):
        path.unlink()
    user.cluster.start_controller(FirstJobId=started["number"])
    stranger = user.cluster.ask("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 20").strip()
    assert stranger == started["number"]
    result = user.folder / "jobs" / job / "result.json"
    until(result.exists, "a row for the job that ran", 60)
    until(lambda: not user.processes(f"/{job}/"), "the node to be empty", BOUND_S)
    assert "the controller has forgotten it" in json.loads(result.read_text())["reason"]
    assert stranger in [line[0] for line in user.cluster.jobs("running")]
    user.cluster.ask("scontrol", "update", "NodeName=n2", "State=RESUME")
    until(lambda: set(user.started()) - {job}, "the job that waited, submitted once more", 60)
    process.send_signal(signal.SIGINT)
    code, rows, said = user.finish(process)
    assert (code, sorted(row["status"] for row in rows)) == (130, ["cancelled", "failed"])
    assert "which had not begun: once more" in said


@pytest.mark.usefixtures("mended")
def test_a_full_queue_is_waited_for(user):
    user.cluster.kill("slurmctld")
    user.cluster.start_controller(MaxJobCount=2, MinJobAge=2)
    user.cluster.wait_until_idle()  # nodes that have not come back yet make a request impossible, not the queue full
    try:
        process = user.run("--workload", "good", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "3", "--json")
        code, rows, said = user.finish(process, 300)  # Slurm forgets ended jobs about once a minute
        assert (code, [row["status"] for row in rows]) == (0, ["ok"] * 3), (said, [row["reason"] for row in rows])
        assert "Slurm takes no job now" in said
    finally:
        user.cluster.kill("slurmctld")
        user.cluster.start_controller()


def test_a_drained_partition_is_waited_for(user):
    user.cluster.ask("scontrol", "update", "PartitionName=gpu", "State=DRAIN")
    try:
        process = user.run("--workload", "good", "--stack", "stub-old", "--gpu-type", "k80", "--json")
        until(lambda: list(user.out.glob("results/2*/jobs/*/slurm/*")), "the run to begin")
        time.sleep(2)
    finally:
        user.cluster.ask("scontrol", "update", "PartitionName=gpu", "State=UP")
    code, rows, said = user.finish(process)
    assert (code, [row["status"] for row in rows]) == (0, ["ok"]), [row["reason"] for row in rows]
    assert "Slurm takes no job now (Required partition not available" in said


@pytest.mark.parametrize("slurm", [{"nodes": "n1"}, {"constraint": "k80"}, {"options": ["--exclude=n2"]}])
def test_a_gpu_that_does_not_suit_is_the_reason_where_the_user_allows_no_other_node(cluster, place, tmp_path, slurm):
    user = User(cluster, place, tmp_path, **slurm)
    code, rows, said = user.finish(user.run("--workload", "good", "--stack", "stub-today", "--repeats", "2", "--json"))
    assert (code, [row["status"] for row in rows]) == (3, ["unsupported"] * 2), [row["reason"] for row in rows]
    assert all(row["reason"].startswith("on n1: ") for row in rows)
    assert "goes to other nodes" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--gpu-type", "a100"], "no node of partition gpu has a gpu of type a100"),
        (["--threads", "64"], "Requested node configuration is not available"),
        (["--partition", "nosuch"], "nosuch"),
        (["--sbatch-option", "--constraint=nosuch"], "Invalid feature specification"),
    ],
)
def test_an_impossible_request_is_refused_before_anything_starts(user, words, said):
    code, _, stderr = user.finish(user.run("--workload", "good", *words))
    assert code == 3
    assert said in stderr
    assert not list(user.out.glob("results/2*"))


def test_a_job_that_slurm_lets_wait_for_ever_is_taken_back(user):
    """A site may accept what its partition never runs."""
    code, (row,), _ = user.finish(
        user.run("--workload", "good", "--stack", "stub-old", "--partition", "short", "--json")
    )
    assert (code, row["status"]) == (3, "unsupported")
    assert "Slurm can never start it (Partition" in row["reason"]
    until(lambda: not user.cluster.jobs("running,pending"), "the queue to be empty", BOUND_S)


def test_an_orchestrator_that_is_killed_loses_nothing(user):
    process = user.run("--workload", "slow", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "3")
    user.until_running(2)
    process.kill()
    process.communicate()
    numbers = {job: each["number"] for job, each in user.started().items()}
    code, rows, said = user.finish(user.orchestrate("attach", "latest", "--json"))
    assert (code, [row["status"] for row in rows]) == (0, ["ok"] * 3)
    assert all(f"Slurm job {number}" in said for number in numbers.values())  # these were not run again
    results = [json.loads(path.read_text()) for path in user.folder.glob("jobs/*/result.json")]
    assert [result["attempt"] for result in results] == [1, 1, 1]


def test_a_run_is_left_alone_and_collected_later(user):
    code, _, said = user.finish(user.run("--workload", "slow", "--stack", "stub-old", "--repeats", "2", "--detach"))
    assert (code, "2 in the queue" in said) == (0, True)
    until(lambda: len(list(user.folder.glob("jobs/*/slurm/*/outcome.json"))) == 2, "both jobs to end alone")
    code, _, said = user.finish(user.orchestrate("attach", "latest", "--no-wait"))
    assert "2 on record, 0 running" in said
    code, rows, _ = user.finish(user.orchestrate("attach", "latest", "--json"))
    assert (code, [row["status"] for row in rows]) == (0, ["ok", "ok"])


def test_what_is_collected_after_a_run_was_sealed_is_vouched_for(user):
    words = ["--workload", "good", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "2"]
    user.finish(user.run(*words))
    next(user.folder.glob("jobs/*.2/result.json")).unlink()
    code, _, said = user.finish(user.orchestrate("attach", "latest", "--detach"))
    assert (code, "1 in the queue" in said) == (0, True)
    until(lambda: list(user.folder.glob("jobs/*/slurm/*/outcome.json")), "the job to end alone")
    _, _, said = user.finish(user.orchestrate("attach", "latest", "--no-wait"))
    assert "2 on record, 0 running" in said
    assert user.finish(user.orchestrate("verify", str(user.folder)))[0] == 0


def test_a_cancelled_job_runs_again_on_resume_and_says_which_attempt_it_is(user):
    process = user.run("--workload", "slow", "--stack", "stub-old", "--gpu-type", "k80", "--json")
    (started,) = user.until_running(1).values()
    user.cluster.ask("scancel", started["number"])
    code, (row,), _ = user.finish(process)
    assert (code, row["status"]) == (1, "cancelled")
    code, (row,), _ = user.finish(user.orchestrate("attach", "latest", "--json"))
    assert (code, row["status"]) == (1, "cancelled")  # attach collects, it does not repeat
    code, (row,), said = user.finish(user.orchestrate("run", "--resume", "latest", "--json"))
    assert (code, row["status"]) == (0, "ok")
    assert "attempt 2" in said
    (job,) = user.folder.glob("jobs/*")
    events = [json.loads(line) for line in (job / "events.jsonl").read_text().splitlines()]
    assert {event["attempt"] for event in events} == {2}
    assert json.loads((job / "result.json").read_text())["attempt"] == 2


def test_a_full_queue_never_holds_more_than_the_bound(cluster, place, tmp_path):
    user = User(cluster, place, tmp_path, queue=2)
    process = user.run("--workload", "good", "--stack", "stub-old", "--gpu-type", "k80", "--repeats", "4", "--json")
    most = 0
    while process.poll() is None:
        over = len(list(tmp_path.glob("results/2*/jobs/*/result.json")))  # Slurm may still be ending those
        with contextlib.suppress(ValueError):
            most = max(most, len(cluster.jobs("running,pending")) - over)
        time.sleep(0.05)
    code, rows, _ = user.finish(process)
    assert (code, len(rows)) == (0, 4)
    assert 1 <= most <= 2


def test_nodes_are_named_as_slurm_writes_them(cluster, place, tmp_path):
    words = ["--workload", "good", "--json"]
    both = User(cluster, place, tmp_path / "both", nodes="n[1-2]")
    code, rows, said = both.finish(both.run(*words))
    assert (code, {row["host"] for row in rows}) == (0, {"n1", "n2"}), said
    one = User(cluster, place, tmp_path / "one", nodes="n2")
    code, rows, said = one.finish(one.run(*words, "--stack", "stub-today"))
    assert (code, {row["host"] for row in rows}) == (0, {"n2"}), said
    none = User(cluster, place, tmp_path / "none", nodes="n[8-9]")
    code, rows, said = none.finish(none.run(*words))
    assert (code, rows, "there is no n8, n9" in said) == (3, [], True)
