"""Who a job runs as, on the engines that there are; their answers are recorded ones."""

from __future__ import annotations

import os

import pytest

from orchestrator.errors import HostError
from orchestrator.launchers import job_user
from orchestrator.launchers.job_user import NOBODY, JobUser, on_engine, owning, plain

#: `SecurityOptions` of Docker 20.10.24: as it is installed, rootless, with userns-remap.
ORDINARY = ["name=seccomp,profile=default"]
ROOTLESS = ["name=seccomp,profile=default", "name=rootless"]
REMAPPED = ["name=seccomp,profile=default", "name=userns"]


def test_jobs_are_never_root():
    assert plain(0, 0) == JobUser(inside=NOBODY, outside=NOBODY)
    assert plain(1000, 1001) == JobUser(inside=(1000, 1001), outside=(1000, 1001))
    assert plain(1000, 1001).words == "1000:1001"


@pytest.mark.parametrize("security", [ORDINARY, [], None])
def test_on_an_ordinary_engine_numbers_mean_the_same(security):
    for uid in (0, 1000):
        assert on_engine({"SecurityOptions": security}, uid, uid) == plain(uid, uid)


def test_root_of_a_rootless_engine_is_its_owner(tmp_path):
    assert on_engine({"SecurityOptions": ROOTLESS}, 1000, 1001) == JobUser(inside=(0, 0), outside=(1000, 1001))
    info = {"SecurityOptions": ROOTLESS, "DockerRootDir": str(tmp_path)}
    assert on_engine(info, 0, 0).outside == (os.getuid(), os.getgid()), "whose folder it is"
    assert on_engine({"SecurityOptions": ROOTLESS, "DockerRootDir": "/nowhere"}, 0, 0).outside == NOBODY


def test_an_engine_that_remaps_users_leaves_those_of_jobs_alone():
    user = on_engine({"SecurityOptions": REMAPPED}, 1000, 1001)
    assert (user.inside, user.outside, user.userns) == ((1000, 1001), (1000, 1001), "host")
    assert on_engine({"SecurityOptions": REMAPPED}, 0, 0).inside == NOBODY


@pytest.mark.parametrize(
    ("uid", "user", "owners"),
    [
        (0, plain(0, 0), [NOBODY, (0, 0)]),
        (0, JobUser(inside=(0, 0), outside=(1000, 1000)), [(1000, 1000), (0, 0)]),
        (1000, plain(1000, 1000), []),
        (1000, JobUser(inside=(0, 0), outside=(1000, 1000)), []),
    ],
)
def test_the_folder_is_the_jobs_only_while_it_runs(tmp_path, monkeypatch, uid, user, owners):
    changes = []
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "getgid", lambda: uid)
    monkeypatch.setattr(job_user.os, "chown", lambda path, u, g, follow_symlinks: changes.append((u, g)))
    (tmp_path / "out").mkdir()
    tmp_path.chmod(0o700)
    with pytest.raises(KeyboardInterrupt), owning(tmp_path / "out", user):
        assert [change for change in changes if change[0] != -1] == owners[:1]
        there = tmp_path.stat().st_mode & 0o777
        raise KeyboardInterrupt
    assert [change for change in changes if change[0] != -1] == owners
    assert there == (0o710 if user.rootless and uid == 0 else 0o700), "its engine has only the rights of its owner"
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_given_is_told_in_one_line(tmp_path, monkeypatch):
    def chown(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(os, "getgid", lambda: 0)
    monkeypatch.setattr(job_user.os, "chown", chown)
    reason = "to user 65534, as whom jobs run: Operation not permitted"
    with pytest.raises(HostError, match=reason) as caught, owning(tmp_path, plain(0, 0)):
        pytest.fail("no job may start")
    assert "--out" in caught.value.hint
