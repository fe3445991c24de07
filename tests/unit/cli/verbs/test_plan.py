"""`orchestrate plan`: the exact commands, and not a file written."""

from __future__ import annotations

import json


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
