"""A run that was cut short goes on with exactly what is missing; anything that changed meanwhile is told."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.plan.config import Config, override
from orchestrator.results.folder import RunFolder
from orchestrator.run.resume import refuse_contradictions
from tests.fakes.runs import Bench, kill, rows_of, torn_files, wait_for
from tests.make import alive

pytestmark = pytest.mark.slow

KILLS = 4


@pytest.fixture
def bench(tmp_path, here):
    bench = Bench(tmp_path, ["good", "exit1"])
    bench.finish = here(bench)
    return bench


def test_only_what_has_no_result_is_run(bench):
    code, stdout, _ = bench.finish(*bench.run("--json", "--repeats", 2))
    assert code == 1
    before = {row["job_id"]: row["started"] for row in rows_of(stdout)}
    (lost,) = bench.runs[0].glob("jobs/good*.2/result.json")
    lost.unlink()
    code, stdout, stderr = bench.finish("run", "--resume", "latest", "--json")
    assert code == 1, stderr
    assert "1 of 4 jobs to run" in stderr
    after = {row["job_id"]: row["started"] for row in rows_of(stdout)}
    assert [job for job in before if before[job] != after[job]] == [lost.parent.name]
    attempts = {json.loads(line)["attempt"] for line in (lost.parent / "events.jsonl").read_bytes().splitlines()}
    assert attempts == {2}
    assert json.loads(lost.read_bytes())["attempt"] == 2
    assert (lost.parent / "attempts" / "1" / "events.jsonl").is_file()
    assert bench.finish("verify")[0] == 0


def test_failures_are_results_unless_they_are_retried(bench):
    bench.finish(*bench.run())
    assert "0 of 2 jobs to run" in bench.finish("run", "--resume", bench.runs[0].name)[2]
    _, _, stderr = bench.finish("run", "--resume", bench.runs[0], "--retry-failed")
    assert "1 of 2 jobs to run" in stderr
    assert bench.finish("verify", bench.runs[0])[0] == 0


def test_a_record_that_is_torn_or_altered_runs_anew(bench):
    bench.finish(*bench.run("--repeats", 2))
    torn, altered = sorted(bench.runs[0].glob("jobs/good*/result.json"))
    torn.write_bytes(torn.read_bytes()[:100])
    (altered.parent / "samples.jsonl").write_text("{}\n")
    code, stdout, _ = bench.finish("verify")
    assert code == 1
    told = [line.split() for line in stdout.splitlines()]
    for file in (f"jobs/{torn.parent.name}/result.json", f"jobs/{altered.parent.name}/samples.jsonl"):
        assert [file, "ALTERED", "since", "it", "was", "written"] in told
    code, stdout, _ = bench.finish("report", "--json")
    assert sorted(row["reason"][:14] for row in rows_of(stdout)) == ["", "damaged record", *["exit code 1: a"] * 2]
    _, _, stderr = bench.finish("run", "--resume", "latest")
    assert "2 of 4 jobs to run" in stderr
    assert bench.finish("verify")[0] == 0


@pytest.mark.parametrize("what", ["workloads", "data"])
def test_another_experiment_is_refused_or_run_anew_on_request(bench, what):
    bench.finish(*bench.run())
    if what == "workloads":
        with (bench.root / "workloads" / "run.py").open("a") as file:
            file.write("# changed\n")
    else:
        (bench.data / "mnist.npz").write_bytes(b"other data")
    code, _, stderr = bench.finish("run", "--resume", "latest")
    assert code == 2
    assert {"workloads": "workloads/ changed after 2", "data": "data set mnist changed after 2"}[what] in stderr
    code, stdout, stderr = bench.finish("run", "--resume", "latest", "--rerun-changed", "--json")
    assert "2 of 2 jobs to run" in stderr
    assert {row["workload"]: row["status"] for row in rows_of(stdout)} == {"good": "ok", "exit1": "failed"}
    assert bench.finish("verify")[0] == 0


def test_a_contradiction_is_a_mistake_and_the_first_command_is_none(bench):
    words = bench.run("--epochs", 2)
    bench.finish(*words)
    code, _, stderr = bench.finish("run", "--resume", "latest", "--epochs", 3)
    assert code == 2
    assert "epochs is 3 on the command line, but 2 in the run" in stderr
    assert bench.finish(*words, "--resume", "latest")[0] == 1
    assert bench.finish("run", "--resume", "20010101-000000-aaaa")[0] == 2


def test_a_contradiction_is_told_as_people_write_it():
    planned = override(Config(), vary={"batch_size": [32, 641], "jit": ["off"]}, stacks=["keras3-jax"])
    with pytest.raises(UserError) as caught:
        refuse_contradictions({"vary": {"batch_size": ["32", "64"]}}, planned)
    said = "vary is batch_size=32,64 jit=off on the command line, but batch_size=32,641 jit=off in the run"
    assert said in caught.value.message
    with pytest.raises(UserError, match="stacks is \\* on the command line, but keras3-jax in"):
        refuse_contradictions({"config": Config()}, override(Config(), stacks=["keras3-jax"]))
    refuse_contradictions({"vary": {"batch_size": ["32", "641"]}}, planned)


def test_a_run_that_goes_on_cannot_be_resumed(bench):
    bench.finish(*bench.run())
    with RunFolder.open(bench.runs[0]).locked():
        code, _, stderr = bench.finish("run", "--resume", "latest")
    assert code == 2
    assert "still goes on" in stderr


def test_a_stopped_run_goes_on_with_what_was_cancelled(tmp_path, here):
    bench = Bench(tmp_path, ["slow", "good"])
    process = bench.start(*bench.run("--repeats", 2))
    wait_for(lambda: list(bench.out.glob("2*/jobs/slow*/out/events.jsonl")))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    code, stdout, stderr = here(bench)("run", "--resume", "latest", "--json")
    assert code == 0, stderr
    assert {row["status"] for row in rows_of(stdout)} == {"ok"}


def test_a_plan_cannot_lead_out_of_its_folder(bench):
    bench.finish(*bench.run())
    plan = bench.runs[0] / "plan.json"
    (bench.runs[0] / "manifest.json").unlink()
    plan.write_text(plan.read_text().replace('"workload": "good"', '"workload": "../../x"'))
    code, _, stderr = bench.finish("run", "--resume", "latest")
    assert code == 2
    assert "$.jobs[" in stderr
    assert ".workload" in stderr


def test_killed_at_random_and_resumed_it_ends_whole(tmp_path):
    """The long form, with 100 kills: python -m tests.soak.kills."""
    from tests.soak.kills import kill_and_resume

    figures = kill_and_resume(Bench(tmp_path, ["good", "exit1", "raises", "garbage"]), KILLS, random.Random(7))
    assert figures["kills"] == KILLS
    assert figures["runs"] >= 1


def test_a_second_interrupt_ends_at_once_and_leaves_no_process(tmp_path):
    bench = Bench(tmp_path, ["hang"])
    process = bench.start(*bench.run("--repeats", 200))  # so many rows to write that the second comes before the last
    wait_for(lambda: list(bench.out.glob("2*/jobs/hang*/out/events.jsonl")))
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert stderr.endswith("stopped\n")  # by the second one
    wait_for(lambda: not bench.processes())


def test_after_kill_9_no_process_stays_and_nothing_is_torn(tmp_path):
    bench = Bench(tmp_path, ["daemon"])
    process = bench.start(*bench.run())
    wait_for(lambda: len(bench.processes()) >= 2)  # the job, and a grandchild in a session of its own
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in bench.processes()]
    parents = {int(stat.rpartition(")")[2].split()[1]) for stat in stats}  # their keeper is one
    kill(process)
    wait_for(lambda: not bench.processes() and not any(map(alive, parents)))
    assert torn_files(bench.runs[0]) == []
