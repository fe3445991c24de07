"""`orchestrate plan`: the exact commands, and not a file written."""

from __future__ import annotations

import json

import pytest


def test_a_plan_is_exact_and_touches_nothing(orchestrate, tmp_path):
    answer = orchestrate("plan", "--commands", "--config", "smoke", "--launcher", "docker", "--stack", "keras2-theano")
    assert answer.returncode == 0, answer.stderr
    commands = [line for line in answer.stdout.splitlines() if not line.startswith("#")]
    assert len(commands) == 5
    assert all(line.startswith("docker run --rm") and "/workloads/run.py" in line for line in commands)
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_document_and_nothing_else(orchestrate):
    answer = orchestrate("plan", "--config", "smoke", "--json")
    jobs = json.loads(answer.stdout)["jobs"]
    assert len(jobs) == len({job["id"] for job in jobs})
    assert all(job["command"] for job in jobs)
    dry = orchestrate("run", "--dry-run", "--config", "smoke", "--json")
    assert [job["id"] for job in json.loads(dry.stdout)["jobs"]] == [job["id"] for job in jobs]


def test_what_is_left_out_is_listed_with_the_reason(orchestrate):
    words = ("--config", "smoke", "--stack", "keras2-theano", "--exclude", "babi_rnn.*")
    answer = orchestrate("plan", "--commands", *words)
    assert "# babi_rnn.keras2-theano.theano.cpu.1: excluded, excluded by 'babi_rnn.*'" in answer.stdout
    assert answer.stderr.splitlines()[-1] == "5 jobs, 1 of them not to be run"


def test_without_commands_it_is_an_overview_that_touches_nothing(orchestrate, tmp_path):
    words = ("--config", "smoke", "--stack", "keras2-theano", "--repeats", "3", "--exclude", "babi_rnn.*.3")
    lines = orchestrate("plan", *words, "--launcher", "process", COLUMNS="200").stdout.splitlines()
    assert lines[0] == "15 jobs: 5 models × 1 contender × 3 repeats, smoke"
    said = " ".join(" ".join(lines).split())
    assert "1 bAbI RNN on Theano (cpu) excluded by 'babi_rnn.*.3'" in said
    assert "time unknown: no earlier run here has these jobs" in said or "time none" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [("plan", "--commands"), ("run", "--dry-run")])
def test_a_plan_of_what_cannot_run_is_not_green(orchestrate, tmp_path, verb):
    """As the run would end: exit 3, with the reason."""
    words = (*verb, "--config", "smoke", "--launcher", "process", "--workload", "mnist_mlp")
    none = orchestrate(*words, "--stack", "keras2-theano", PATH=str(tmp_path / "nothing"))
    assert none.returncode == 3
    assert "# mnist_mlp.keras2-theano.theano.cpu.1: unsupported, needs python2.7" in none.stdout
    assert none.stderr.splitlines()[-1] == "1 job, 1 of them not to be run"
    both = orchestrate(*words, "--stack", "keras2-theano", "--stack", "keras3-jax", PATH=str(tmp_path / "nothing"))
    assert both.returncode == 0 and both.stderr.splitlines()[-1] == "2 jobs, 1 of them not to be run"
