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


def squat(folder, how):
    """What a job that is a process can do to its folder, beside its output."""
    records = ("result.json", "manifest.json", "events.jsonl")
    if how == "folders":
        for name in records:
            (folder / name / "deep").mkdir(parents=True)
    elif how == "FIFOs":
        for name in records:
            os.mkfifo(folder / name)
    elif how == "links":
        for name in (*records, "samples.jsonl"):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(folder.parent.parent / "elsewhere" / "file")
    elif how == "a link for the output":
        (folder / "out").rmdir()
        (folder / "out").symlink_to(folder.parent.parent / "elsewhere")
    elif how == "no right":
        folder.chmod(0)
    else:
        folder.rename(folder.with_name("away"))
        if how == "a link for the folder":
            folder.symlink_to(folder.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    "how", ["folders", "FIFOs", "links", "a link for the output", "no right", "nothing", "a link for the folder"]
)
def test_what_a_process_puts_in_the_place_of_records_or_their_folder_goes_as_well(folder, how):
    elsewhere = folder.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("precious")
    leftovers.close(folder)
    (folder / "samples.jsonl").write_text("{}")
    (folder / "slurm" / "1-token").mkdir(parents=True)
    squat(folder, how)
    leftovers.remove(folder)
    assert (elsewhere / "file").read_text() == "precious"
    assert folder.is_dir() and not folder.is_symlink() and mode(folder) == 0o755
    kept = {"nothing": [], "a link for the folder": [], "links": ["slurm"]}
    assert sorted(path.name for path in folder.iterdir()) == kept.get(how, ["samples.jsonl", "slurm"])
