"""Folders for results and cache that cannot be used, by name or by place: seen without writing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.host import folders
from orchestrator.host.folders import Folder, nearest, refuse, results_folder, unusable, user_cache

ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
#: A folder whose name Linux took from bytes that are no UTF-8.
ODD = os.fsdecode(b"r\xe9s")


def test_a_folder_that_is_made_or_can_be_made_is_of_use(tmp_path):
    assert unusable(tmp_path) == unusable(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []
    assert nearest(tmp_path / "a" / "b") == tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("d" * 300, "File name too long"),
        ("dddddddd/" * 450, "is too long a name"),
        (ODD, "is no text in UTF-8"),
        ("file", "is no folder"),
        ("file/below", "Not a directory"),
        ("dangling", "No such file or directory"),
        ("loop/below", "Too many levels of symbolic links"),
    ],
)
def test_each_trouble_has_its_words(tmp_path, name, words):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("/nowhere/at/all")
    (tmp_path / "loop").symlink_to("loop")
    assert words in unusable(tmp_path / name)
    with pytest.raises(HostError, match="the results folder cannot be used") as caught:
        refuse(results_folder(tmp_path / name))
    assert "--out" in caught.value.hint


def test_a_folder_of_somebody_else_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert unusable(tmp_path / "new") == f"{tmp_path}: Permission denied"


def test_a_disk_that_is_read_only_is_told_from_a_folder_of_somebody_else(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a disk can only be mounted by root")
    try:
        assert unusable(tmp_path / "new") == f"{tmp_path}: Read-only file system"
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_link_to_the_last_run_is_no_trouble_and_a_copy_of_it_is(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "latest").symlink_to("run")
    assert results_folder(tmp_path).trouble == ""
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").mkdir()
    found = results_folder(tmp_path)
    assert found.trouble == f"{tmp_path}/latest is no link to the last run, but a folder or file of its own"
    assert found.mend.startswith("rename it")


def test_a_cache_that_nobody_names_has_no_path(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "mycache")
    found = user_cache()
    assert (found.path, found.trouble) == ("", "XDG_CACHE_HOME is 'mycache', which is no absolute path")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    found = user_cache()
    assert found.path and "Not a directory" in found.trouble and "XDG_CACHE_HOME" in found.mend
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == Folder(what="cache", path=str(tmp_path / "keras-orchestrate"))
    refuse(user_cache())


def test_the_longest_names_below_a_folder_still_fit():
    """<run>/jobs/<job>/attempts/<n>/<file>, of stacks and workloads as they are called."""
    job = "imdb_bidirectional_lstm.keras2-tensorflow-cntk.tensorflow.gpu.modern.1000"
    assert len(f"/20261122-101500-1a2b/jobs/{job}/attempts/1000/.manifest.json.0123abcd.tmp") < folders.BELOW


@pytest.mark.parametrize("name", ["venvs", "venvs/keras3-jax-cpu-0123", "compiled/one", "data/checked", "data/a.npz"])
@pytest.mark.parametrize("planted", ["open to all", pytest.param("of another", marks=ROOT_ONLY)])
def test_whatever_others_could_have_put_into_the_cache_is_named(monkeypatch, tmp_path, name, planted):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "keras-orchestrate" / name
    path.mkdir(parents=True)
    assert user_cache().trouble == ""
    if planted == "open to all":
        path.chmod(0o777)
    else:
        os.chown(path, 12345, 12345)
    found = user_cache()
    assert str(path) in found.trouble and found.mend.startswith("remove it, or choose another cache")
    with pytest.raises(HostError, match="the cache folder cannot be used"):
        refuse(found)


def test_a_lock_file_of_uv_which_everybody_may_write_to_is_no_trouble(monkeypatch, tmp_path):
    """uv makes it so, whatever the umask; with its cache in ours no second run would begin."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "keras-orchestrate" / "uv"
    folder.mkdir(parents=True)
    for name, trouble in ((".lock", False), ("wheel", True)):
        (folder / name).touch()
        (folder / name).chmod(0o666)
        assert bool(user_cache().trouble) == trouble


def test_a_cache_that_everybody_could_replace_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "open"))
    (tmp_path / "open" / "keras-orchestrate").mkdir(parents=True)
    (tmp_path / "open").chmod(0o777)
    assert "who could replace what is in it" in user_cache().trouble
    (tmp_path / "open").chmod(0o1777)
    assert user_cache().trouble == ""


def test_a_link_to_the_last_run_that_leads_where_nobody_may_look_is_no_trouble(tmp_path, monkeypatch):
    (tmp_path / "latest").symlink_to("/somewhere/shut")

    def refused(self, **more):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refused)
    assert results_folder(tmp_path).trouble == ""
