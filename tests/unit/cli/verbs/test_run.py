"""`orchestrate run`: which of a new run, a description, a hand-over and a resumed run its options ask for."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.verbs import run as verb
from orchestrator.errors import HostError
from orchestrator.plan.request import Request
from orchestrator.results.folder import RunFolder
from orchestrator.run import session
from orchestrator.run.session import Finished
from tests.fakes.roots import make_cpu_root
from tests.make import make_plan, row


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What was begun, with its request. `calls.ends` is how a run ends."""

    class Calls(list):
        ends = Finished(rows=[row(status="ok", reason="")], out=tmp_path)

        def noted(self, what, answer):
            def begin(*given, **_):
                self.append((what, next(each for each in given if isinstance(each, Request))))
                return answer()

            return begin

    made = Calls()
    # An executor stands for its request here: `session` begins a run with an executor, `resume` with a request.
    monkeypatch.setattr(verb, "choose_executor", lambda request, catalog, say: request)
    monkeypatch.setattr(session, "run", made.noted("run", lambda: made.ends))
    monkeypatch.setattr(session, "describe", made.noted("describe", lambda: (make_plan(jobs=[]), {})))
    folder = RunFolder.create(tmp_path / "results", make_plan())
    monkeypatch.setattr(session, "hand_in", made.noted("hand_in", lambda: (folder, {"waiting": 1})))
    monkeypatch.setattr(verb, "resume", made.noted("resume", lambda: made.ends))
    return made


@pytest.mark.parametrize(
    ("words", "begun"),
    [
        ([], "run"),
        (["--dry-run"], "describe"),
        (["--executor", "slurm"], "run"),
        (["--executor", "slurm", "--detach"], "hand_in"),
        (["--resume", "latest"], "resume"),
    ],
)
def test_one_thing_is_begun(orchestrate, calls, words, begun):
    assert orchestrate("run", *words).returncode == 0
    assert [what for what, _ in calls] == [begun]


def test_a_dry_run_of_a_recorded_run_only_shows_it(orchestrate, calls):
    answer = orchestrate("run", "--dry-run", "--resume", "latest")
    assert (answer.returncode, list(calls)) == (0, [])
    assert "launcher: " in answer.stdout


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ({"rows": [row(status="failed", reason="x")]}, 1),
        ({"rows": [row(status="cancelled", reason="x")], "interrupted": True}, 130),
        ({"rows": [row(status="ok", reason="")], "broken": HostError("the disk is full", "make room")}, 3),
    ],
)
def test_the_exit_code_is_that_of_the_run_and_its_rows_are_told(orchestrate, calls, tmp_path, ends, code):
    calls.ends = Finished(out=tmp_path, **ends)
    answer = orchestrate("run", "--json")
    assert answer.returncode == code
    assert len(json.loads(answer.stdout)["results"]) == 1
    assert ("the disk is full" in answer.stderr) == (code == 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--detach"], "--detach goes with --executor slurm, and without --until"),
        (["--detach", "--executor", "slurm", "--until", "2%"], "--detach goes with --executor slurm"),
        (["--detach", "--resume", "latest"], "orchestrate attach RUN --detach"),
        (["--until", "2%", "--budget", "soon"], "not a duration: 'soon'"),
        (["--budget", "30m"], "a budget bounds the repeats of `until`, which is not given"),
        (["--mode", "predict", "--price", "0.90/h"], "money is not worked out for `predict`"),
    ],
)
def test_what_does_not_go_together_begins_nothing(orchestrate, calls, words, message):
    answer = orchestrate("run", *words)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert calls == []


def test_a_new_run_knows_what_it_may_do_and_how_it_was_asked_for(orchestrate, calls):
    orchestrate("run", "--config", "smoke", "--no-fetch", "--no-build", "--until", "2%", "--budget", "10m")
    ((_, request),) = calls
    assert (request.may_fetch, request.may_build, request.until, request.budget_s) == (False, False, 0.02, 600)
    assert request.config.scale == "smoke"
    assert request.command.startswith("orchestrate run --config smoke --no-fetch")


def test_a_resumed_run_is_held_against_nothing_but_what_was_typed(orchestrate, calls):
    orchestrate("run", "--resume", "x", "--retry-failed", "--epochs", "3", "--partition", "gpu")
    ((_, request),) = calls
    assert (request.run, request.retry_failed, request.rerun_changed) == ("x", True, False)
    assert request.typed == {"epochs": 3, "slurm": {"partition": "gpu"}}


def test_a_run_that_goes_on_by_itself_prints_how_to_come_back(orchestrate, calls):
    answer = orchestrate("run", "--executor", "slurm", "--detach")
    assert answer.stdout.startswith("orchestrate attach ")
    assert answer.stderr.endswith("1 waiting\n")


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my.py"
    path.write_text("open('ran', 'w')\n")
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["my.py"],
        ["run", "./my.py"],
        ["--workload", "my.py"],
        ["run", "my.py", "--workload", "my.py"],
        ["--config", "mine.yaml"],
    ],
)
def test_a_script_of_ones_own_is_the_workload_however_it_is_named(orchestrate, calls, script, words):
    (script.parent / "mine.yaml").write_text("version: 1\nworkloads: [./my.py]\n")
    assert orchestrate(*words).returncode == 0
    [(what, request)] = calls
    assert what == "run"
    assert request.config.workloads == ["my"], "by the name that its jobs have"
    assert not (script.parent / "ran").exists(), "it is read, not run"


def test_what_a_script_gets_is_part_of_the_configuration(orchestrate, calls, script):
    (script.parent / "cats").mkdir()
    assert orchestrate("my.py", "--steps", "5", "--data", "images=cats", "--network").returncode == 0
    config = calls[0][1].config
    assert (config.steps, config.network) == (5, True)
    assert config.data == {"images": str(script.parent / "cats")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nix.py"], "there is no file nix.py"),
        (["run", "notes.txt"], "neither a verb nor a file of Python"),
        (["notes.txt"], "neither a verb nor a file of Python"),
        (["my.ipynb"], "jupyter nbconvert --to script my.ipynb"),
        (["run", "cats"], "orchestrate cats/my.py"),
        (["run", "my.py", "plan"], "'plan' is neither a verb nor a file of Python"),
        (["my.py", "--data", "images"], "is not NAME=PATH"),
        (["my.py", "--data", "a/b=."], "is not NAME=PATH"),
        (["my.py", "--data", "a=nix"], "nix is not there"),
        (["my.py", "--data", "a=.", "--data", "a=."], "a is named twice"),
        (["my.py", "--steps", "0"], "--steps"),
    ],
)
def test_a_slip_is_one_line_and_nothing_begins(orchestrate, calls, script, words, message):
    (script.parent / "notes.txt").write_text("")
    (script.parent / "my.ipynb").write_text("{}")
    (script.parent / "cats").mkdir()
    answer = orchestrate(*words)
    assert (answer.returncode, list(calls)) == (2, [])
    assert message in " ".join(answer.stderr.split())


def test_plan_and_run_refuse_an_unknown_data_set_alike_and_before_anything_starts(orchestrate, tmp_path):
    root = make_cpu_root(tmp_path / "root", ["good"])
    file = root / "workloads" / "workloads.yaml"
    file.write_text(file.read_text().replace("dataset: mnist", "dataset: synthetic"))
    said = []
    for words in (["plan"], ["run", "--no-fetch"], ["run", "--dry-run"]):
        answer = orchestrate(*words, "--root", root, "--stack", "stub", "--launcher", "process", "--scale", "smoke")
        assert answer.returncode == 2, answer.stderr
        said += [line for line in answer.stderr.splitlines() if line.startswith(("ERROR", "  ->"))]
    assert said == 3 * said[:2]
    assert said[0] == "ERROR no data set is called 'synthetic'"
    assert not list((tmp_path / "results").glob("2*"))
