"""A plan is this user's own where its seal fits the key that only he has; everything else is a stranger's."""

from __future__ import annotations

import json
import os
import shutil
import threading

import msgspec
import pytest

from orchestrator.host import probe
from orchestrator.model import to_json
from orchestrator.results.folder import RunFolder
from orchestrator.run import owner
from orchestrator.text import silent
from tests.make import make_job, make_plan

PLAN = make_plan(setup={"launcher": "process", "root": "/mine", "keras_spec": None})


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "keras-orchestrate"


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "results", owner.sealed(PLAN, silent))


def rewritten(folder, change):
    path = folder.path / "plan.json"
    plan = json.loads(path.read_bytes())
    change(plan)
    path.write_text(json.dumps(plan))


def test_what_was_recorded_here_is_ones_own_wherever_it_lies(folder, tmp_path):
    assert owner.recorded(folder)[1] == ""
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(folder.path, moved)
    plan, why = owner.recorded(RunFolder.open(moved))
    assert (why, plan.setup["root"]) == ("", "/mine")


def test_the_key_is_the_users_alone_and_in_no_run(folder, state, tmp_path):
    assert (state / "key").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    key = (state / "key").read_bytes()
    assert len(key) == 32
    for path in (tmp_path / "results").rglob("*.*"):
        assert key not in path.read_bytes() and key.hex().encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["setup"].update(root="/theirs"),
        lambda plan: plan["setup"].update(launcher="mail/rt.yaml"),
        lambda plan: plan["setup"].update(keras_spec="keras @ http://h/x"),
        lambda plan: plan["config"].update(weaken=["network"]),
        lambda plan: plan["config"].update(executor="slurm", slurm={"python": "/theirs"}),
        lambda plan: plan["jobs"][0].update(epochs=7),
        lambda plan: plan["data"].update(mnist={"path": "/etc/passwd"}),
        lambda plan: plan["setup"].update(
            owner=plan["setup"]["owner"].replace(probe.machine() or "unknown", "cluster")
        ),
    ],
)
def test_whatever_is_changed_the_plan_is_nobodys(folder, change):
    value = json.loads(folder.plan_text())
    change(value)
    assert "was changed since" in owner.strange("plan", value)


def test_an_order_of_keys_or_spaces_is_no_change(folder):
    rewritten(folder, lambda plan: plan.update(run_id=plan.pop("run_id")))
    assert owner.recorded(folder)[1] == ""


def test_a_plan_without_a_seal_is_a_strangers(folder):
    folder.write_plan(PLAN)
    assert "older version" in owner.recorded(folder)[1]
    rewritten(folder, lambda plan: plan["setup"].update(owner="7:x:y"))
    assert "older version" in owner.recorded(folder)[1]


def test_another_key_is_another_user(folder, state):
    (state / "key").write_bytes(b"x" * 32)
    assert "another user recorded it" in owner.recorded(folder)[1]


def test_another_machine_is_said_but_a_cluster_has_many(folder, tmp_path, monkeypatch):
    plan = make_plan(run_id="20260101-000000-abce", config={"executor": "slurm"})
    cluster = RunFolder.create(tmp_path / "results", owner.sealed(plan, silent))
    monkeypatch.setattr(probe, "machine", lambda: "another")
    assert "on another machine" in owner.recorded(folder)[1]
    assert owner.recorded(cluster)[1] == ""


def test_a_plan_that_grows_is_sealed_again(folder):
    plan = folder.plan()
    folder.write_plan(owner.sealed(msgspec.structs.replace(plan, jobs=[*plan.jobs, make_job(repeat=2)]), silent))
    assert owner.recorded(folder)[1] == ""


def test_without_a_place_for_a_key_it_is_said_and_the_plan_has_no_seal(monkeypatch):
    said: list[str] = []
    for place in ("/proc/nowhere", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", place)
        assert "owner" not in owner.sealed(PLAN, said.append).setup
    assert len(said) == 2 and all("must be named again" in line for line in said)


def test_a_lost_key_makes_runs_a_strangers(folder, state):
    (state / "key").unlink()
    assert "cannot be told from a stranger's" in owner.recorded(folder)[1]
    assert not (state / "key").exists()  # to look at a run makes none


@pytest.mark.parametrize("what", ["folder for all", "key for all", "link", "short", "foreign"])
def test_a_key_that_others_could_have_put_there_tells_nothing(folder, state, what, tmp_path):
    key = state / "key"
    if what == "folder for all":
        state.chmod(0o777)
    elif what == "key for all":
        key.chmod(0o644)
    elif what == "link":
        key.rename(tmp_path / "k")
        key.symlink_to(tmp_path / "k")
    elif what == "short":
        key.write_bytes(b"")
    elif os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    else:
        os.chown(key, 12345, -1)
    assert "cannot be told from a stranger's" in owner.recorded(folder)[1]
    assert "owner" not in owner.sealed(PLAN, silent).setup


def test_first_runs_at_the_same_time_agree_on_one_key():
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(owner.sealed(PLAN, silent).setup["owner"])) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 4


def test_the_seal_is_of_what_is_written(folder):
    assert folder.plan_text() == to_json(folder.plan())
