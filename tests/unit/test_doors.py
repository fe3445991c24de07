"""The way to what lies below a run: step by step, through no link, plain files of a bounded size only."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from orchestrator import doors
from orchestrator.doors import Refused
from orchestrator.errors import UserError


def planted(path, kind):
    """Something that no run holds; "folder" is where a file should be."""
    if kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.close()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"link to a file": "../secret", "link to nothing": "none", "link to a folder": "../kept"}[kind])
    return path


ODD = ("link to a file", "link to nothing", "link to a folder", "FIFO", "socket")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "f").write_text("kept")
    (tmp_path / "run" / "jobs" / "a").mkdir(parents=True)
    (tmp_path / "run" / "plan.json").write_text("{}")
    return tmp_path / "run"


@pytest.mark.parametrize("kind", [*ODD, "folder"])
def test_only_a_plain_file_is_read(run, kind):
    path = planted(run / "x", kind)
    for read in (doors.open_file, doors.read, doors.tail, lambda path: doors.read_record(path, dict)):
        with pytest.raises(Refused, match=f"{path} is a {kind.split()[0]}, and no plain file"):
            read(path)


@pytest.mark.parametrize("kind", ODD)
def test_whatever_is_odd_is_found_before_anything_is_done(run, kind):
    doors.look_through(run)
    path = planted(run / "jobs" / "a" / "x", kind)
    with pytest.raises(Refused, match=f"{path} is a {kind.split()[0]}"):
        doors.look_through(run)


def test_what_jobs_may_write_to_is_not_looked_through_but_must_be_a_folder(run):
    (run / "jobs/a/out").mkdir()
    planted(run / "jobs/a/out/x", "link to a file")
    doors.look_through(run, spared="out")
    (run / "out").mkdir()
    planted(run / "out/x", "link to a file")
    with pytest.raises(Refused, match="run/out/x is a link"):
        doors.look_through(run, spared="out")
    (run / "out/x").unlink()
    (run / "jobs" / "b").mkdir()
    planted(run / "jobs/b/out", "link to a folder")
    with pytest.raises(Refused, match="jobs/b/out is a link"):
        doors.look_through(run, spared="out")


def test_folders_without_end_are_refused(run):
    (run / "/".join("d" * 40)).mkdir(parents=True)
    with pytest.raises(Refused, match="deeper than anything in a run"):
        doors.look_through(run)


DEEDS = {
    "read": lambda path: doors.read(path / "f"),
    "list": doors.names,
    "look": lambda path: doors.kind_of(path / "f"),
    "create": lambda path: os.close(doors.create(path / "new")),
    "create once": lambda path: doors.create_once(path / "new"),
    "make": lambda path: doors.make(path / "new"),
    "remove": lambda path: doors.remove(path / "f"),
    "move out": lambda path: doors.move(path / "f", path.parent / "f"),
    "move in": lambda path: doors.move(path.parent / "plan.json", path / "f"),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_no_link_on_the_way_is_followed(run, deed):
    link = planted(run / "link", "link to a folder")
    before = sorted(run.parent.rglob("*"))
    with pytest.raises(Refused, match=f"{link} is a link, and no folder"):
        DEEDS[deed](link)
    assert sorted(run.parent.rglob("*")) == before
    assert (run.parent / "kept" / "f").read_text() == "kept"


def test_a_new_file_takes_the_place_of_a_link_and_is_not_written_through_it(run):
    path = planted(run / "log.txt", "link to a file")
    with os.fdopen(doors.create(path), "wb") as file:
        file.write(b"new")
    assert not path.is_symlink()
    assert (path.read_text(), (run.parent / "secret").read_text()) == ("new", "secret")


def test_what_is_made_once_is_not_made_through_a_link(run):
    planted(run / "x", "link to nothing")
    assert not doors.create_once(run / "x", b"x")
    assert not (run / "none").exists()
    assert doors.create_once(run / "y", b"y")
    assert not doors.create_once(run / "y", b"z")
    assert (run / "y").read_bytes() == b"y"


def test_a_file_that_is_too_large_is_not_read(run):
    with (run / "plan.json").open("r+b") as file:
        file.truncate(doors.RECORD_LIMIT + 1)
    with pytest.raises(UserError, match="is larger than 64 MiB"):
        doors.read_record(run / "plan.json", dict)
    assert doors.read(run.parent / "secret", limit=6) == b"secret"
    with pytest.raises(UserError, match="secret is larger"):
        doors.read(run.parent / "secret", limit=5)


def test_the_links_on_the_way_to_a_run_are_its_users_own(run, monkeypatch):
    (run.parent / "results").symlink_to(run.parent)
    assert doors.own(run.parent / "results" / "run") == run
    monkeypatch.chdir(run.parent)
    relative = doors.own(run.relative_to(run.parent))
    assert not relative.is_absolute()
    assert doors.read(relative / "plan.json") == b"{}"


def test_what_is_not_there_is_nothing(run):
    assert doors.kind_of(run / "none" / "f") is None
    assert doors.names(run / "none") == []
    assert doors.read_record(run / "none", dict) is None
    doors.remove(run / "none" / "f")
    assert (doors.kind_of(run / "plan.json"), doors.kind_of(run / "jobs")) == ("file", "folder")


def test_temporary_names_cannot_be_told():
    assert len({doors.temporary("f") for _ in range(100)}) == 100
    assert doors.temporary("f").startswith(".f.")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a device, or remove one")
def test_a_device_in_the_place_of_a_new_file_stays(tmp_path):
    device = tmp_path / "log.txt"
    os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
    with pytest.raises(doors.Refused, match="a device"):
        doors.create(device)
    assert stat.S_ISCHR(device.lstat().st_mode)
