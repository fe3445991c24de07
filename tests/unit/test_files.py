"""Files: written whole or not at all, locked, hashed, removed whatever a hostile job made of them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
import time
import types
from pathlib import Path

import pytest

from orchestrator.doors import Refused
from orchestrator.errors import HostError, UserError
from orchestrator.files import (
    cache_folder,
    cache_locked,
    check_writable,
    decode_yaml,
    disk_errors,
    expanded,
    home_folder,
    is_full,
    last_line,
    locked,
    read_text,
    read_yaml,
    refuse_faults,
    remove_tree,
    replacing,
    sha256_file,
    sha256_stream,
    storage_error,
    sync,
    try_lock,
    write_atomic,
)


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


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
READ_ONLY = OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize(
    ("place", "error", "message", "hint"),
    [
        ("results", NO_SPACE, "disk full while writing x", "free space; what was written before is intact"),
        ("results", READ_ONLY, "cannot write x: Read-only file system", "choose a folder you can write to with --out"),
        ("results", OSError(errno.EFBIG, "File too large"), "cannot write x: File too large", "ulimit -f"),
        ("cache", NO_SPACE, "cannot write x: No space left on device", "XDG_CACHE_HOME=DIR"),
        ("cache", READ_ONLY, "cannot write x: Read-only file system", "XDG_CACHE_HOME=DIR"),
    ],
)
def test_the_hint_names_the_setting_that_moves_the_place(place, error, message, hint):
    found = storage_error(Path("x"), error, place)
    assert found.message == message
    assert hint in found.hint
    with pytest.raises(HostError, match=message), disk_errors(Path("x"), place):
        raise error


@pytest.mark.parametrize("error", [NO_SPACE, READ_ONLY])
def test_what_cannot_be_written_whole_leaves_the_old_content_and_no_other_file(tmp_path, monkeypatch, error):
    path = tmp_path / "new" / "f"
    write_atomic(path, b"old")

    def fail(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(HostError, match="disk full" if error is NO_SPACE else "cannot write"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["f"]


def test_a_stream_that_is_given_up_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "f") as stream:
        stream.write(b"half")
        assert [path.name for path in tmp_path.iterdir()] != ["f"]
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_half_written_files_have_the_names_that_clean_removes(tmp_path):
    with replacing(tmp_path / "f"):
        assert [path.name for path in tmp_path.glob(".*.tmp")] == [path.name for path in tmp_path.iterdir()]


def test_permissions_are_the_umasks_unless_they_are_given(tmp_path):
    old = os.umask(0o077)
    try:
        write_atomic(tmp_path / "private", b"")
        with replacing(tmp_path / "for all", 0o644):
            pass
    finally:
        os.umask(old)
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "for all").stat().st_mode & 0o777 == 0o644


def test_a_cache_that_is_a_link_to_another_disk_can_be_written(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "scratch")
    write_atomic(tmp_path / "cache" / "f", b"x", "cache")
    assert (tmp_path / "scratch" / "f").read_bytes() == b"x"


def test_syncing_follows_no_link(tmp_path):
    (tmp_path / "file").touch()
    sync(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(Refused, match="is a link"):
        sync(tmp_path / "link")


def test_a_lock_refuses_or_waits_as_its_caller_says(tmp_path):
    told = []

    def refuse():
        raise UserError("in use")

    def wait_for_it():
        with locked(os.open(tmp_path, os.O_RDONLY), lambda: told.append("busy")):
            told.append("mine")

    with locked(os.open(tmp_path, os.O_RDONLY)):
        with pytest.raises(UserError, match="in use"), locked(os.open(tmp_path, os.O_RDONLY), refuse):
            pytest.fail("locked twice")
        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        while not told:
            time.sleep(0.01)
        told.append("still ours")
    waiting.join(10)
    assert told == ["busy", "still ours", "mine"]


def test_readers_share_a_lock_and_writers_do_not(tmp_path):
    first, second = (os.open(tmp_path, os.O_RDONLY) for _ in range(2))
    try:
        assert try_lock(first, shared=True)
        assert try_lock(second, shared=True)
        assert not try_lock(second)
    finally:
        os.close(first)
        os.close(second)


def test_a_refused_lock_leaves_no_open_file(tmp_path):
    def refuse():
        raise UserError("in use")

    with locked(os.open(tmp_path, os.O_RDONLY)):
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(UserError), locked(os.open(tmp_path, os.O_RDONLY), refuse):
            pass
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_made_in_the_cache_is_locked_though_it_comes_and_goes(tmp_path):
    path = tmp_path / "cache" / "made"
    with cache_locked(path):
        path.touch()
        path.unlink()
        other = os.open(path.with_name(".made.lock"), os.O_RDWR)
        try:
            assert not try_lock(other)
        finally:
            os.close(other)
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="cannot write") as caught, cache_locked(tmp_path / "file" / "made"):
        pytest.fail("a folder below a file")
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_hashes_of_files_and_of_what_is_left_of_a_stream(tmp_path):
    content = b"abc" * 1_000_000
    (tmp_path / "f").write_bytes(content)
    assert sha256_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()
    stream = io.BytesIO(content)
    stream.read(5)
    assert sha256_stream(stream) == (hashlib.sha256(content[5:]).hexdigest(), len(content) - 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: [1, x]", "f.yaml: Expected `int`, got `str` - at `$[...][1]`"),
        (b"- 1", "f.yaml: Expected `object`, got `array`"),
        (b"a: [", "f.yaml is not YAML: while parsing"),
        (b"a: 2020-99-99", "f.yaml is not YAML: month must be in 1..12"),
        (b"a: '\xff'", "f.yaml is not YAML: "),
    ],
)
def test_bad_yaml_is_named_with_the_path_of_the_bad_value_in_one_line(tmp_path, text, message):
    with pytest.raises(UserError) as caught:
        decode_yaml(text, "f.yaml", dict[str, list[int]])
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    (tmp_path / "f.yaml").write_bytes(text)
    with pytest.raises(UserError, match=r"f\.yaml"):
        read_yaml(tmp_path / "f.yaml", dict[str, list[int]])


def test_the_hint_may_depend_on_what_is_wrong():
    with pytest.raises(UserError) as caught:
        decode_yaml(b"a: x", "f.yaml", dict[str, int], str.upper)
    assert caught.value.hint == "EXPECTED `INT`, GOT `STR` - AT `$[...]`"


def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path):
    for read in (lambda: read_text(tmp_path / "none"), lambda: read_yaml(tmp_path / "none", dict)):
        with pytest.raises(UserError, match="none cannot be read: No such file"):
            read()


def test_the_first_fault_is_told():
    refuse_faults("f.yaml", iter([]))
    with pytest.raises(UserError, match=r"^f\.yaml: one$") as caught:
        refuse_faults("f.yaml", iter(["one", "two"]), "look there")
    assert caught.value.hint == "look there"


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / ".cache" / "keras-orchestrate"
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder() == Path("/elsewhere/keras-orchestrate")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"XDG_CACHE_HOME": "mycache"}, "XDG_CACHE_HOME is 'mycache', which is no absolute path"),
        ({"XDG_CACHE_HOME": "", "HOME": "me"}, "HOME is 'me', which is no absolute path"),
        ({"XDG_CACHE_HOME": os.fsdecode(b"/c\xe9")}, r"XDG_CACHE_HOME is '/c\\udce9', which is no text in UTF-8"),
        ({"XDG_CACHE_HOME": "", "HOME": ""}, "this user has no home folder: HOME is not set"),
    ],
)
def test_a_cache_that_would_move_or_has_no_name_is_refused(monkeypatch, settings, words):
    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr("orchestrator.files.pwd.getpwuid", unknown)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(HostError, match=words) as caught:
        cache_folder()
    assert caught.value.hint.startswith("Set ")


def test_without_a_variable_the_list_of_users_knows_the_home(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("orchestrator.files.pwd.getpwuid", lambda number: types.SimpleNamespace(pw_dir="/home/me"))
    assert home_folder() == Path("/home/me")
    with pytest.raises(HostError, match="Could not determine home"):
        expanded("~nobody-of-that-name/x")


def test_the_last_line_of_a_log_that_says_something(tmp_path):
    log = tmp_path / "log"
    assert last_line(log) == ""
    log.write_bytes(b"x" * 20_000 + b"\nfirst\n  the\t\xff end  \n\n   \n")
    assert last_line(log) == "the \ufffd end"


def test_a_disk_without_room_for_a_page_is_full(tmp_path, monkeypatch):
    assert not is_full(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: types.SimpleNamespace(f_bavail=3, f_frsize=4096))
    assert is_full(tmp_path)
