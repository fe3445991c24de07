"""The output folder of a job: closed to others before it is there, and until nothing of it is left."""

from __future__ import annotations

import os
import stat

import pytest

from orchestrator.results import leftovers


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "jobs" / "one"
    path.mkdir(parents=True)
    path.parent.chmod(0o755)
    return path


def test_it_is_closed_while_there_is_something_of_the_job_and_open_afterwards(folder):
    out = leftovers.close(folder)
    assert (out, mode(folder)) == (folder / "out", 0o700)
    (out / "shell").touch()
    (out / "shell").chmod(0o6755)
    leftovers.remove(folder)
    assert (list(folder.iterdir()), mode(folder)) == ([], 0o755)


def test_the_folder_of_a_team_stays_the_teams(folder):
    folder.parent.chmod(0o2775)
    folder.chmod(0o2775)
    leftovers.close(folder)
    assert mode(folder) == 0o2700
    leftovers.remove(folder)
    assert mode(folder) == 0o2775


def test_what_cannot_be_removed_stays_closed(folder, monkeypatch):
    leftovers.close(folder)

    def refuse(top):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(leftovers, "remove_tree", refuse)
    with pytest.raises(OSError, match="Read-only"):
        leftovers.remove(folder)
    assert mode(folder) == 0o700


def test_no_umask_opens_it(folder):
    before = os.umask(0)
    try:
        leftovers.close(folder)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
