"""The script of a trial container, run outside of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import msgspec
import pytest

from orchestrator.launchers.trial import script
from orchestrator.launchers.trial.judge import SCRIPT, WRITTEN, Seen


def test_it_tells_everything_that_is_asked_for(tmp_path):
    argv = [sys.executable, "-c", SCRIPT.read_text(), str(tmp_path), str(tmp_path)]
    answer = subprocess.run(argv, capture_output=True, check=True)
    seen = msgspec.json.decode(answer.stdout, type=Seen)
    assert set(json.loads(answer.stdout)) == {*Seen.__struct_fields__}
    assert (seen.user, seen.unreadable, seen.unwritable) == (os.getuid(), [], [])
    assert seen.outside(os.getuid()) is not None


def test_files_are_read_and_folders_walked(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    (tmp_path / "a" / "link").symlink_to("nowhere")
    assert script.unreadable(str(tmp_path)) == [(f"{tmp_path}/a/link", "No such file or directory")]
    assert script.unreadable(str(tmp_path / "none")) == [(f"{tmp_path}/none", "No such file or directory")]


def test_what_it_writes_shows_who_it_is(tmp_path):
    assert script.unwritable(str(tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == [WRITTEN]
    assert script.unwritable(str(tmp_path / "none")) == [(f"{tmp_path}/none", "No such file or directory")]


@pytest.mark.skipif(os.getuid() != 0, reason="to become another user needs root")
def test_what_another_user_cannot_read():
    code = f"import json, os, resource; os.setuid(65534); exec({SCRIPT.read_text()!r})"
    with_others = subprocess.run(
        [sys.executable, "-c", code, "/etc/shadow", "/proc/1"], capture_output=True, check=True, cwd="/"
    )
    seen = msgspec.json.decode(with_others.stdout, type=Seen)
    assert ("/etc/shadow", "Permission denied") in seen.unreadable
    assert seen.unwritable


def test_only_a_file_system_of_its_own_has_a_size(tmp_path):
    assert script.size("/") == 0
    assert script.size("/proc") == 0 or script.size("/dev/shm") > 0
