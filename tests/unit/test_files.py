"""Folders that a hostile job has filled, and disks that are full, are read-only or lose their reader."""

from __future__ import annotations

import errno
import os

import pytest

from orchestrator import files
from orchestrator.errors import HostError
from orchestrator.files import check_writable, remove_tree, storage_error
from orchestrator.launchers import log


def test_removing_a_tree_follows_no_link_and_minds_no_depth_and_no_mode(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    top = tmp_path / "out"
    top.mkdir()
    (top / "folder").symlink_to(kept)
    (top / "file").symlink_to(kept / "file")
    os.mkfifo(top / "fifo")
    (top / "locked").mkdir()
    (top / "locked" / "file").write_text("x")
    (top / "locked").chmod(0)
    here = os.open(top, os.O_RDONLY)
    try:
        for _ in range(1200):
            os.mkdir("deep", dir_fd=here)
            below = os.open("deep", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    remove_tree(top)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").read_text() == "x"


def test_a_link_in_a_folders_place_is_removed_and_not_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    link = tmp_path / "out"
    link.symlink_to(kept)
    remove_tree(link)
    assert kept.is_dir()
    assert not link.is_symlink()


def test_a_results_folder_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(HostError, match="cannot write"):
        check_writable(tmp_path / "results")
    check_writable(tmp_path / "new" / "results")
    assert list((tmp_path / "new" / "results").iterdir()) == []


def test_a_log_that_cannot_be_written_never_holds_up_the_job(tmp_path, monkeypatch):
    seen = []

    def chunks():
        for i in range(5):
            seen.append(i)
            yield b"x"

    log.pump(chunks(), tmp_path / "nowhere" / "log")
    assert seen == [0, 1, 2, 3, 4]
    if files.Path("/dev/full").exists():
        seen.clear()
        log.pump(chunks(), files.Path("/dev/full"))
        assert seen == [0, 1, 2, 3, 4]


def test_a_full_disk_is_told_apart():
    full = storage_error(files.Path("x"), OSError(errno.ENOSPC, "No space left on device"))
    assert "disk full" in full.message
    assert "cannot write" in storage_error(files.Path("x"), OSError(errno.EROFS, "Read-only")).message


def test_the_last_line_of_a_file_is_read_whatever_its_bytes(tmp_path):
    log = tmp_path / "log.txt"
    assert files.last_line(log) == ""
    log.write_bytes(b"\xff\xfe one\n two \n\n")
    assert files.last_line(log) == "two"
