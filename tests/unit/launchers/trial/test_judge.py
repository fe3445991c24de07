"""What a trial container's words mean: recorded ones, from real engines (Docker 20.10.24, control groups v1)."""

from __future__ import annotations

import json
import os

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.launchers.container import Image
from orchestrator.launchers.trial import judge as judging
from orchestrator.launchers.trial.judge import WRITTEN, Ran, judge, trial_spec
from orchestrator.model import Device
from tests.make import make_context

BOOT = "dbbaf57f-36c6-43a6-8f72-7999c4778a38"
CPU = Device(kind="cpu", name="cpu:0", cores=[0])
ORDINARY = {
    "boot": BOOT,
    "uids": "0          0 4294967295",
    "user": 65534,
    "cores": "0",
    "capabilities": "0000000000000000",
    "no_new_privileges": "1",
    "memory": "536870912",
    "swap": "536870912",
    "processes": "512",
    "read_only": True,
    "interfaces": ["lo"],
    "core_bytes": 0,
    "shm_mb": 1024,
    "tmp_mb": 2048,
    "unreadable": [],
    "unwritable": [],
}
ROOTLESS = {
    **ORDINARY,
    "uids": "0      65534          1\n         1     200000      65536",
    "user": 0,
    "cores": "0-1",
    "memory": "9223372036854771712",
    "swap": "9223372036854771712",
    "processes": "",
}


@pytest.fixture
def context(tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    (tmp_path / "boot").write_text(BOOT + "\n")
    monkeypatch.setattr(judging, "BOOT", tmp_path / "boot")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def told(context, seen, tmp_path, **changes):
    context = msgspec.structs.replace(context, **changes)
    spec = trial_spec(context, Image(name="image:1", digest="sha256:1"), CPU, tmp_path / "out")
    ran = seen if isinstance(seen, Ran) else Ran(output=b"noise\n" + json.dumps(seen).encode() + b"\n")
    return judge(context, spec, ran, tmp_path / "out")


def refused(context, seen, tmp_path):
    with pytest.raises(HostError) as caught:
        told(context, seen, tmp_path)
    return caught.value.message, caught.value.hint


def test_a_trial_is_made_as_a_job_is(context, tmp_path):
    spec, other = (trial_spec(context, Image(name="image:1", digest="sha256:1"), CPU, tmp_path / "out") for _ in "ab")
    assert spec.name.startswith("keras-orchestrate-run-trial-")
    assert spec.name != other.name  # several nodes may try one engine at once
    assert spec.command[-3:] == ["/workloads", "/data/mnist.npz", "/out"]
    assert [(host, mode) for host, _, mode in spec.binds] == [
        (str(tmp_path / "workloads"), "ro"),
        (str(tmp_path / "mnist.npz"), "ro"),
        (str(tmp_path / "out"), "rw"),
    ]
    assert (spec.cores, spec.memory_mb, spec.labels["keras-orchestrate"]) == ([0], 512, "trial")


def test_an_ordinary_engine_gives_everything(context, tmp_path):
    assert told(context, ORDINARY, tmp_path) == {}


def test_a_rootless_engine_without_control_groups_drops_three_bounds(context, tmp_path):
    assert told(context, ROOTLESS, tmp_path) == {
        "memory": "the engine does not bound it",
        "processes": "the engine does not bound them",
        "cores": "it may use 0-1, not only 0",
    }


@pytest.mark.parametrize(
    ("changes", "point"),
    [
        ({"interfaces": ["lo", "eth0"]}, "network"),
        ({"read_only": False}, "read_only"),
        ({"capabilities": "00000000a80425fb"}, "capabilities"),
        ({"no_new_privileges": "0"}, "no_new_privileges"),
        ({"core_bytes": -1}, "core_dumps"),
        ({"memory": "max"}, "memory"),
        ({"memory": "536870913"}, "memory"),
        ({"swap": "max"}, "memory"),
        ({"swap": ""}, "memory"),
        ({"processes": "max"}, "processes"),
        ({"processes": "513"}, "processes"),
        ({"shm_mb": 64 * 1024}, "shared_memory"),
        ({"tmp_mb": 0}, "temporary_files"),
        ({"cores": "0,2-3"}, "cores"),
        ({"cores": "1"}, "cores"),
    ],
)
def test_each_point_that_a_container_did_not_get_is_named(context, tmp_path, changes, point):
    assert list(told(context, {**ORDINARY, **changes}, tmp_path)) == [point]


def test_control_groups_v2_write_it_in_another_way(context, tmp_path):
    assert told(context, {**ORDINARY, "swap": "0"}, tmp_path) == {}


def test_what_the_user_gave_up_is_not_told_twice(context, tmp_path):
    assert told(context, {**ORDINARY, "read_only": False}, tmp_path, weakened=["read_only"]) == {}


def test_another_machine_is_refused(context, tmp_path):
    message, hint = refused(context, {**ORDINARY, "boot": "another"}, tmp_path)
    assert "another machine than this one" in message
    assert "DOCKER_HOST" in hint
    assert told(context, {**ORDINARY, "boot": ""}, tmp_path) == {}, "nobody knows"


def test_what_the_jobs_user_cannot_read_has_its_name_outside(context, tmp_path):
    unreadable = [["/workloads/run.py", "Permission denied"], ["/data/mnist.npz", "Permission denied"]]
    message, hint = refused(context, {**ORDINARY, "unreadable": unreadable}, tmp_path)
    assert message == (
        f"user 65534, as whom jobs run, cannot read {tmp_path}/workloads/run.py (and 1 more): Permission denied"
    )
    assert hint == f"Let others read it: chmod -R go+rX {tmp_path}/workloads"


def test_a_results_folder_of_somebody_else_names_who_cannot_write(context, tmp_path):
    """A rootless engine of user 65534 that another user has been given."""
    message, hint = refused(context, {**ROOTLESS, "unwritable": [["/out", "Permission denied"]]}, tmp_path)
    assert (
        message == f"user 65534, as whom jobs run, cannot write to a folder below {tmp_path.parent}: Permission denied"
    )
    assert "DOCKER_HOST" in hint


@pytest.mark.skipif(os.getuid() != 0, reason="to give files away needs root")
def test_root_of_this_machine_runs_no_job(context, tmp_path):
    """A rootless engine that root has started."""
    written(tmp_path, 0)
    message, _ = refused(context, {**ORDINARY, "user": 0}, tmp_path)
    assert message == "jobs would run as root of this machine, and must not"


@pytest.mark.skipif(os.getuid() != 0, reason="to give files away needs root")
def test_who_a_job_is_shows_in_what_it_wrote(context, tmp_path):
    """Podman's keep-id puts one map of numbers into another: what the inner one says is not this host's root."""
    written(tmp_path, 1000)
    nested = {**ORDINARY, "user": 1000, "uids": "0 1 1000\n1000 0 1\n1001 1001 64536"}
    assert told(context, nested, tmp_path) == {}
    message, _ = refused(context, {**nested, "unreadable": [["/workloads", "Permission denied"]]}, tmp_path)
    assert message.startswith("user 1000, as whom jobs run, cannot read")


def written(tmp_path, uid):
    """What the script leaves, as this user."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / WRITTEN).touch()
    os.chown(tmp_path / "out" / WRITTEN, uid, uid)


def test_a_path_that_the_engine_does_not_see(context, tmp_path):
    (tmp_path / "out").mkdir()
    text = f'invalid mount config for type "bind": bind source path does not exist: {tmp_path}/out'
    message, hint = refused(context, Ran(refusal=text), tmp_path)
    assert message.startswith(f"the engine does not see {tmp_path}: invalid mount"), "the folder of the results"
    assert "--out" in hint


def test_any_other_refusal_is_quoted(context, tmp_path):
    assert refused(context, Ran(refusal="no space left"), tmp_path)[0].endswith("started here: no space left")


@pytest.mark.parametrize("output", [b"", b"Fatal Python error\n", b"{}\n"])
def test_an_image_whose_python_does_not_start(context, tmp_path, output):
    message, hint = refused(context, Ran(output=output), tmp_path)
    assert "its Python does not" in message
    assert "build" in hint
