"""The command line as a user types it: exit codes, one clear line, what is on stdout."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orchestrator.cli import app
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
        (["--repeats", "0"], "--repeats: '0' is not a whole number from 1 on", "run --help"),
        (["run", "--repeat", "3"], "there is no option --repeat", "did you mean --repeats?"),
        (["run", "--zzz"], "there is no option --zzz", "`orchestrate run --help` explains it"),
        (["--device", "gup"], "--device: 'gup' is not one of", "did you mean gpu?"),
        (["--sample-hz", "x"], "'x' is not a number from 0 to 100", ""),
        (["merge"], "RUNS is missing", ""),
        (["plan", "--data-dir", "/nowhere"], "/nowhere", ""),
        (["rnu"], "no such command 'rnu'", "did you mean run?"),
        (["images", "lits"], "no such command 'lits'", "did you mean list?"),
        (["report", "/"], "not a run", "results"),
        (["data", "verify", "mnits"], "mnits", "mnist"),
    ],
)
def test_a_users_mistake_is_one_clear_message_and_exit_2(orchestrate, words, message, hint):
    answer = orchestrate(*words)
    assert answer.returncode == 2, answer.stderr
    assert message in answer.stderr
    assert hint in answer.stderr
    first, *rest = answer.stderr.splitlines()
    assert first.startswith("ERROR ") and all(line.startswith(("  -> ", "  | ", "  ")) for line in rest)
    assert "Usage:" not in answer.stderr and "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_an_option_of_a_script_is_told_where_it_belongs(orchestrate, tmp_path):
    (tmp_path / "my.py").write_text("model.fit()\n")
    answer = orchestrate("my.py", "--lr", "0.1")
    assert answer.returncode == 2
    assert "an option of the script comes after `--`: orchestrate my.py -- --lr" in answer.stderr


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


SELECTION = ("--config", "smoke", "--launcher", "process", "--stack", "keras3-jax", "--workload", "mnist_mlp")
VERBS = {
    "run": ("run", *SELECTION, "--no-fetch"),
    "plan": ("plan", *SELECTION),
    "doctor": ("doctor", *SELECTION),
    "report": ("report",),
    "verify": ("verify", "latest"),
    "data list": ("data", "list"),
    "list": ("list", "stacks"),
    "images list": ("images", "list"),
}
#: The settings, and what each verb makes of them; by default one line and exit 3.
PLACES = {
    "a relative cache": ({"XDG_CACHE_HOME": "mycache"}, {"report": 2, "verify": 2, "list": 0}),
    "a cache of a name too long": (
        {"XDG_CACHE_HOME": "/tmp/" + "d" * 300},
        {"plan": 0, "report": 2, "verify": 2, "data list": 0, "list": 0},
    ),
    "a cache below a file": (
        {"XDG_CACHE_HOME": "/etc/passwd"},
        {"plan": 0, "report": 2, "verify": 2, "data list": 0, "list": 0},
    ),
    "a cache that is no text": (
        {"XDG_CACHE_HOME": os.fsdecode(b"/tmp/c\xe9")},
        {"report": 2, "verify": 2, "list": 0},
    ),
    "no home": ({"XDG_CACHE_HOME": "", "HOME": "nowhere"}, {"report": 2, "verify": 2, "list": 0}),
    "results of a name too long": ({"--out": "d" * 300}, {"plan": 0, "report": 2, "verify": 2}),
    "results below a file": ({"--out": "/etc/passwd/x"}, {"plan": 0, "report": 2, "verify": 2}),
    "results that are no text": (
        {"--out": os.fsdecode(b"r\xe9s")},
        dict.fromkeys(VERBS, 2),
    ),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("place", PLACES)
def test_folders_of_no_use_are_one_line_before_anything_starts(orchestrate, tmp_path, place, verb):
    settings, codes = PLACES[place]
    words = list(VERBS[verb])
    if "--out" in settings:
        if verb in ("data list", "list", "images list"):
            return
        words += ["--out", settings["--out"]]
    answer = orchestrate(*words, **{name: value for name, value in settings.items() if name != "--out"})
    said = answer.stdout + answer.stderr
    assert answer.returncode == codes.get(verb, 3), said
    assert "Traceback" not in said and "starts" not in said
    if answer.returncode and verb != "doctor":
        assert sum(line.startswith("ERROR") for line in answer.stderr.splitlines()) == 1
    if verb == "doctor" and answer.returncode == 3:
        what = "results" if "--out" in settings else "cache"
        assert f"problem  folder for {what}: " in answer.stdout
    assert not list(tmp_path.glob("results*"))


@pytest.mark.parametrize(
    "words", [["report", "x\udce9"], ["run", "--keras-spec", "\udce9"], ["--config", "\udcff.yaml"]]
)
def test_a_word_that_is_no_text_is_refused_whatever_it_is_for(orchestrate, words):
    answer = orchestrate(*words)
    assert answer.returncode == 2
    assert "is no text in utf-8" in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--resume", ""],
        ["run", "--resume="],
        ["--out", ""],
        ["plan", "--scale", ""],
        ["plan", "--memory="],
        ["plan", "--timeout", ""],
        ["plan", "--exclude", ""],
        ["merge", "x", "--to", ""],
        ["verify", ""],
        [""],
    ],
)
def test_an_empty_word_is_refused_and_not_taken_for_an_option_left_out(orchestrate, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = orchestrate(*words)
    assert answer.returncode == 2
    assert "is a variable without a value?" in answer.stderr
    assert not list(tmp_path.iterdir())


def test_an_empty_word_is_a_value_where_nothing_is_meant(orchestrate):
    answer = orchestrate("plan", "--config", "smoke", "--launcher", "process", "--keras-spec", "")
    assert "empty word" not in answer.stderr


class Fails:
    """A command that raises."""

    def __init__(self, error):
        self.error = error

    def __call__(self, *args, **more):
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokenPipeError(32, "Broken pipe"), "a connection broke"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
        (MemoryError(), "out of memory"),
        (ModuleNotFoundError("no", name="duckdb"), "the package duckdb is missing"),
    ],
)
def test_what_the_host_refuses_deep_down_is_one_line_and_exit_3(orchestrate, monkeypatch, error, words):
    monkeypatch.setattr("orchestrator.cli.verbs.list.load_catalog", Fails(error))
    answer = orchestrate("list")
    assert answer.returncode == 3
    assert words in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize("error", [OSError("no file"), ModuleNotFoundError("x", name="orchestrator.x"), KeyError("x")])
def test_a_fault_of_ours_stays_a_traceback(orchestrate, monkeypatch, error):
    monkeypatch.setattr("orchestrator.cli.verbs.list.load_catalog", Fails(error))
    with pytest.raises(type(error)):
        orchestrate("list")


def test_a_folder_that_is_gone_below_ones_feet_is_one_line(tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "argv", ["orchestrate", "plan", "--config", "smoke"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("ERROR the folder that you are in cannot be found: No such file")
