"""The command line as a user types it: exit codes, one clear line, what is on stdout."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--config", "azur-nc6"], 2)])
def test_as_a_program_it_answers_the_same(orchestrate, tmp_path, words, code):
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    argv = [sys.executable, "-m", "orchestrator", *words]
    answer = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
    here = orchestrate(*words)
    assert (answer.returncode, answer.stdout, answer.stderr) == (code, here.stdout, here.stderr)


def test_help_shows_examples(orchestrate):
    for words in ([], ["run"], ["plan"], ["build"], ["report"], ["clean"], ["data", "fetch"]):
        answer = orchestrate(*words, "--help")
        assert answer.returncode == 0
        assert "Usage: orchestrate" in answer.stdout
    assert "orchestrate --config azure-nc6" in orchestrate("--help").stdout


def test_azure_nc6_without_a_gpu_stops_before_anything_starts(orchestrate, tmp_path):
    answer = orchestrate("--config", "azure-nc6")
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
def test_a_users_mistake_is_one_clear_message_and_exit_2(orchestrate, words, message, hint):
    answer = orchestrate(*words)
    assert answer.returncode == 2, answer.stderr
    assert message in answer.stderr
    assert hint in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_a_config_file_with_a_misnamed_workload(orchestrate, tmp_path):
    (tmp_path / "mine.yaml").write_text("workloads: [mnist_mlp, mnist_xyz]\n")
    answer = orchestrate("--config", "mine.yaml")
    assert answer.returncode == 2
    assert "mnist_xyz" in answer.stderr


def test_without_an_engine_docker_cannot_be_insisted_on(orchestrate):
    answer = orchestrate("run", "--config", "smoke", "--launcher", "docker", "--no-fetch")
    assert answer.returncode == 3
    assert "no Docker engine answers" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_name_in_an_error_is_shown_as_it_is_and_steers_no_terminal(orchestrate, tmp_path):
    path = tmp_path / "[bold]run[1]\x1b[2J.yaml"
    path.write_text("repeats: none")
    answer = orchestrate("plan", "--config", path)
    assert answer.returncode == 2
    assert "[bold]run[1] [2J.yaml: Expected" in answer.stderr
