"""The command line as a user types it: exit codes, one clear line, what is on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from orchestrator.cli import output
from tests.conftest import ROOT
from tests.fakes import in_process


def orchestrate(*words, cwd, **environment):
    home = {"HOME": str(cwd), "XDG_CACHE_HOME": str(cwd / "cache"), "DOCKER_HOST": "unix:///nowhere.sock"}
    return in_process.orchestrate(words, cwd, {**home, "COLUMNS": "200", **environment})


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--config", "azur-nc6"], 2)])
def test_as_a_program_it_answers_the_same(tmp_path, words, code):
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    argv = [sys.executable, "-m", "orchestrator", *words]
    answer = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
    here = orchestrate(*words, cwd=tmp_path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (code, here.stdout, here.stderr)


def test_help_shows_examples(tmp_path):
    for words in ([], ["run"], ["plan"], ["build"], ["report"], ["clean"], ["data", "fetch"]):
        answer = orchestrate(*words, "--help", cwd=tmp_path)
        assert answer.returncode == 0
        assert "Usage: orchestrate" in answer.stdout
    assert "orchestrate --config azure-nc6" in orchestrate("--help", cwd=tmp_path).stdout


def test_azure_nc6_without_a_gpu_stops_before_anything_starts(tmp_path):
    answer = orchestrate("--config", "azure-nc6", cwd=tmp_path)
    assert answer.returncode == 3
    assert "this host has none that can be used" in answer.stderr
    assert "--device cpu --scale quick" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--config", "azur-nc6"], "no preset and no file", "azure-nc6"),
        (["--workload", "mnist_mpl"], "no workload is called 'mnist_mpl'", "mnist_mlp"),
        (["--stack", "keras9"], "no stack is called", "keras"),
        (["--scale", "quik"], "has no scale 'quik'", "quick"),
        (["--timeout", "soon"], "not a duration", "10m"),
        (["--repeats", "0"], "'--repeats'", ""),
        (["--no-such-flag"], "--no-such-flag", ""),
        (["plan", "--data-dir", "/nowhere"], "/nowhere", ""),
        (["rnu"], "No such command 'rnu'", ""),
        (["report", "/"], "not a run", "results"),
        (["data", "verify", "mnits"], "mnits", "mnist"),
    ],
)
def test_a_users_mistake_is_one_clear_message_and_exit_2(tmp_path, words, message, hint):
    answer = orchestrate(*words, cwd=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert message in answer.stderr
    assert hint in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_a_config_file_with_a_misnamed_workload(tmp_path):
    (tmp_path / "mine.yaml").write_text("workloads: [mnist_mlp, mnist_xyz]\n")
    answer = orchestrate("--config", "mine.yaml", cwd=tmp_path)
    assert answer.returncode == 2
    assert "mnist_xyz" in answer.stderr


def test_without_an_engine_docker_cannot_be_insisted_on(tmp_path):
    answer = orchestrate("run", "--config", "smoke", "--launcher", "docker", "--no-fetch", cwd=tmp_path)
    assert answer.returncode == 3
    assert "no Docker engine answers" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_plan_is_exact_and_touches_nothing(tmp_path):
    answer = orchestrate("plan", "--config", "smoke", "--launcher", "docker", "--stack", "keras2-theano", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    commands = [line for line in answer.stdout.splitlines() if not line.startswith("#")]
    assert len(commands) == 5
    assert all(line.startswith("docker run --rm") and "/workloads/run.py" in line for line in commands)
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_document_and_nothing_else(tmp_path):
    answer = orchestrate("plan", "--config", "smoke", "--json", cwd=tmp_path)
    jobs = json.loads(answer.stdout)["jobs"]
    assert len(jobs) == len({job["id"] for job in jobs})
    assert all(job["command"] for job in jobs)
    dry = orchestrate("run", "--dry-run", "--config", "smoke", "--json", cwd=tmp_path)
    assert [job["id"] for job in json.loads(dry.stdout)["jobs"]] == [job["id"] for job in jobs]


@pytest.mark.parametrize(
    ("statuses", "interrupted", "code"),
    [
        (["ok", "ok"], False, 0),
        (["ok", "unsupported", "excluded"], False, 0),
        (["ok", "failed"], False, 1),
        (["ok", "timeout"], False, 1),
        (["unsupported", "failed"], False, 1),
        (["ok", "cancelled"], True, 130),
        (["excluded"], False, 0),
        (["unsupported", "excluded"], False, 3),  # a run that ran nothing is no success
    ],
)
def test_the_exit_code_of_a_run(statuses, interrupted, code):
    assert output.exit_code(statuses, interrupted) == code


def test_list_names_everything(tmp_path):
    text = orchestrate("list", cwd=tmp_path).stdout
    for word in ("keras2-theano", "keras3-jax", "babi_rnn", "azure-nc6"):
        assert word in text
    assert "stacks" in json.loads(orchestrate("list", "--json", cwd=tmp_path).stdout)


def test_rendered_files_are_up_to_date(tmp_path):
    answer = orchestrate("render", "--check", cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout


def test_cleaning_without_an_engine_says_so_plainly(tmp_path):
    assert "nothing to clean" in orchestrate("clean", cwd=tmp_path).stdout
