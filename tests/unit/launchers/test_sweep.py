"""What killed runs left is found and removed; what others use is left alone."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import types
from pathlib import Path

import msgspec
import pytest

from orchestrator.launchers import sweep
from orchestrator.launchers.runtimes import load
from orchestrator.launchers.sweep import LABEL
from tests.fakes import second_user

HERE = sweep.owner().rsplit(":", 2)[0]
DEAD = f"{HERE}:{2**22 + 1}:1"


def test_this_process_is_alive_and_a_later_one_of_its_number_is_not():
    mine = sweep.owner()
    assert sweep.alive(mine)
    host, pid, started = mine.rsplit(":", 2)
    numbers = Path("/proc/self/ns/pid").stat().st_ino
    assert (host, pid) == (f"{platform.node()}/{numbers}", str(os.getpid()))
    assert not sweep.alive(f"{host}:{pid}:{int(started) + 1}")
    assert not sweep.alive(DEAD)


@pytest.mark.parametrize("owner", ["elsewhere:1:1", "a:name:with:colons:1:1", f"{platform.node()}/1:1:1"])
def test_another_hosts_orchestrator_counts_as_alive(owner):
    """And so does one in a container that shares this host's name, and not its process numbers."""
    assert sweep.alive(owner)


def test_another_users_orchestrator_counts_as_alive_where_the_host_hides_it():
    """As many hosts with several users do (hidepid); its runs would else lose the jobs that they are measuring."""
    look = "from orchestrator.launchers import sweep; import sys; print(*map(sweep.alive, sys.argv[1:]))"
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh"]
    python = second_user.python(*hidden)
    gone = f"{HERE}:{2**22 - 1}:1"
    answer = subprocess.run([*hidden, *python, "-c", look, sweep.owner(), gone], capture_output=True, text=True)
    assert answer.stdout == "True False\n", answer.stderr


@pytest.mark.parametrize(
    "owner",
    ["", "garbage", f"{HERE}:x:1", f"{HERE}::", f"{HERE}:{10**30}:1", f"{HERE}:{'9' * 9999}:1"],
    ids=lambda owner: owner[-20:],
)
def test_a_container_without_a_proper_owner_is_nobodys(owner):
    assert not sweep.alive(owner)


class Container:
    """A container of the Docker SDK."""

    def __init__(self, name, owner, removable=True):
        self.name, self.labels, self.removable, self.removed = name, {f"{LABEL}.owner": owner}, removable, False

    def remove(self, force, v):
        if not self.removable:
            raise RuntimeError("the engine is busy")
        self.removed = True


def test_orphans_on_the_engine_are_removed_and_named():
    left, stuck, mine = (
        Container("left", DEAD),
        Container("stuck", DEAD, removable=False),
        Container("m", sweep.owner()),
    )
    asked = []

    def listing(**query):
        asked.append(query)
        return [left, stuck, mine]

    client, said = types.SimpleNamespace(containers=types.SimpleNamespace(list=listing)), []
    assert sweep.remove_orphans(client, said.append) == 2
    filters = [{"label": f"{LABEL}={kind}"} for kind in ("job", "trial")]
    assert [query["filters"] for query in asked] == filters, "only what carries our label"
    assert asked[0]["all"]
    assert (left.removed, stuck.removed, mine.removed) == (True, False, False)
    assert said == [f"removing {name}, left by a run that was killed" for name in ("left", "stuck")]


@pytest.fixture
def runtime(tmp_path):
    """podman, whose program answers from files beside it and writes down what it was called with."""
    program = tmp_path / "podman"
    program.write_text(f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
case "$1" in
ps) cat {tmp_path}/ps;;
inspect) cat {tmp_path}/$4.json;;
esac
""")
    program.chmod(0o755)
    (tmp_path / "ps").write_text("1\n2\n3\n")
    for key, owner in (("1", DEAD), ("2", sweep.owner()), ("3", "elsewhere:1:1")):
        container = {"Name": f"/job-{key}", "Config": {"Labels": {f"{LABEL}.owner": owner}}}
        (tmp_path / f"{key}.json").write_text(json.dumps([container]))
    return msgspec.structs.replace(load("podman"), program=[str(program)])


def test_orphans_of_a_runtime_are_found_with_the_command_that_removes_them(runtime, tmp_path):
    ((name, argv),) = sweep.runtime_orphans(runtime)
    assert name == "job-1"
    assert argv == [str(tmp_path / "podman"), "rm", "--force", "--ignore", "--time", "0", "--volumes", "1"]


def test_orphans_of_a_runtime_are_removed_and_named(runtime, tmp_path):
    said = []
    sweep.remove_runtime_orphans(runtime, said.append)
    assert said == ["removing job-1, left by a run that was killed"]
    assert (tmp_path / "calls").read_text().splitlines()[-1] == "rm --force --ignore --time 0 --volumes 1"


def test_a_runtime_whose_containers_are_child_processes_is_asked_nothing():
    assert sweep.runtime_orphans(load("apptainer")) == []


def test_a_runtime_that_is_not_there_or_answers_nonsense_leaves_nothing_to_do(runtime, tmp_path, monkeypatch):
    gone = msgspec.structs.replace(runtime, program=["/nowhere/podman"])
    assert sweep.runtime_orphans(gone) == []
    (tmp_path / "1.json").write_text("{not json")
    assert sweep.runtime_orphans(runtime) == []
    assert sweep.inspect_containers(["/bin/true"]) == []

    def hang(argv, **options):
        raise subprocess.TimeoutExpired(argv, 1)

    monkeypatch.setattr(sweep.subprocess, "run", hang)
    assert sweep.runtime_orphans(runtime) == []
    assert sweep.inspect_containers(["x"]) == []


@pytest.mark.parametrize("answer", ["1", "{}", "[1]", '[{"State": 1}]', '[{"Config": {"Labels": []}}]', "[" * 100_000])
def test_an_answer_that_describes_no_container_is_none(tmp_path, answer):
    (tmp_path / "answer").write_text(answer)
    assert sweep.inspect_containers(["/bin/cat", str(tmp_path / "answer")]) == []
