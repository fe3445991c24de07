"""`orchestrate plan`: the exact commands, and not a file written."""

from __future__ import annotations

import json

import pytest


def test_a_plan_is_exact_and_touches_nothing(orchestrate, tmp_path):
    answer = orchestrate("plan", "--config", "smoke", "--launcher", "docker", "--stack", "keras2-theano")
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
    answer = orchestrate("plan", "--config", "smoke", "--stack", "keras2-theano", "--exclude", "babi_rnn.*")
    assert "# babi_rnn.keras2-theano.theano.cpu.1: excluded, excluded by 'babi_rnn.*'" in answer.stdout
    assert answer.stderr.splitlines()[-1] == "5 jobs, 1 of them not to be run"


@pytest.mark.parametrize("verb", [("plan",), ("run", "--dry-run")])
def test_a_plan_of_what_cannot_run_is_not_green(orchestrate, tmp_path, verb):
    """As the run would end: exit 3, with the reason."""
    words = (*verb, "--config", "smoke", "--launcher", "process", "--workload", "mnist_mlp")
    none = orchestrate(*words, "--stack", "keras2-theano", PATH=str(tmp_path / "nothing"))
    assert none.returncode == 3
    assert "# mnist_mlp.keras2-theano.theano.cpu.1: unsupported, needs python2.7" in none.stdout
    assert none.stderr.splitlines()[-1] == "1 job, 1 of them not to be run"
    both = orchestrate(*words, "--stack", "keras2-theano", "--stack", "keras3-jax", PATH=str(tmp_path / "nothing"))
    assert both.returncode == 0 and both.stderr.splitlines()[-1] == "2 jobs, 1 of them not to be run"
