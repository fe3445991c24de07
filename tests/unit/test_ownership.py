"""What only the caller can have made, and what others could have."""

from __future__ import annotations

import grp
import os
import types

import pytest

from orchestrator import ownership

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(("mode", "words"), [(0o755, ""), (0o700, ""), (0o777, "other users"), (0o1777, "other users")])
def test_a_folder_that_others_can_write_to(tmp_path, mode, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(mode)
    assert words in ownership.trouble(tmp_path / "folder")
    assert bool(ownership.trouble(tmp_path / "folder")) == bool(words)


@pytest.mark.parametrize(
    ("group", "members", "others"), [("me", [], False), ("me", ["me"], False), ("me", ["you"], True), ("us", [], True)]
)
def test_a_group_of_ones_own_is_nobody_else(tmp_path, monkeypatch, group, members, others):
    found = types.SimpleNamespace(gr_name=group, gr_mem=members)
    monkeypatch.setattr(ownership.grp, "getgrgid", lambda gid: found)
    monkeypatch.setattr(ownership.pwd, "getpwuid", lambda uid: types.SimpleNamespace(pw_name="me"))
    tmp_path.chmod(0o775)
    assert ownership.writable_by_others(tmp_path.stat()) == others


def test_a_group_that_nobody_knows_is_not_ones_own(tmp_path, monkeypatch):
    def unknown(gid):
        raise KeyError(gid)

    monkeypatch.setattr(grp, "getgrgid", unknown)
    tmp_path.chmod(0o775)
    assert ownership.writable_by_others(tmp_path.stat())


@needs_root
def test_what_belongs_to_another_user_or_leads_there(tmp_path):
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, 12345)
    assert ownership.trouble(tmp_path / "theirs") == f"{tmp_path}/theirs belongs to user 12345, not to you"
    (tmp_path / "link").symlink_to("theirs")
    assert "belongs to user 12345" in ownership.trouble(tmp_path / "link")
    (tmp_path / "mine").mkdir()
    (tmp_path / "their link").symlink_to("mine")
    os.chown(tmp_path / "their link", 12345, 12345, follow_symlinks=False)
    assert "belongs to user 12345" in ownership.trouble(tmp_path / "their link")


def test_every_folder_on_the_way_is_looked_at_and_no_umask_opens_one(tmp_path):
    before = os.umask(0)
    try:
        assert ownership.make(tmp_path / "a", tmp_path / "a" / "b" / "c", 0o700) == ""
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in ownership.chain(tmp_path / "a", tmp_path / "a" / "b" / "c")]
    assert modes == [0o755, 0o755, 0o700]
    (tmp_path / "a" / "b" / "c").chmod(0o755)
    assert ownership.make(tmp_path / "a", tmp_path / "a" / "b" / "c", 0o700) == ""
    assert (tmp_path / "a" / "b" / "c").stat().st_mode & 0o777 == 0o700, "one of an older version is closed"
    (tmp_path / "a" / "b").chmod(0o777)
    assert "a/b can be written to" in ownership.make(tmp_path / "a", tmp_path / "a" / "b" / "c")


def test_a_folder_above_in_which_everybody_can_replace_it(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert "open can be written to by everybody" in ownership.above(tmp_path / "open" / "cache")
    (tmp_path / "open").chmod(0o1777)
    assert ownership.above(tmp_path / "open" / "cache") == ""


@needs_root
def test_a_program_of_a_colleague_is_believed_where_only_he_could_put_it(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.touch()
    assert ownership.planted(program) == ""
    os.chown(program, 12345, 12345)
    assert "can be anybody's" in ownership.planted(program), "below /tmp"
    program.chmod(0o777)
    os.chown(program, 0, 0)
    assert "can be anybody's" in ownership.planted(program)
    assert ownership.planted(tmp_path / "nothing") == ""


def test_what_others_can_change_while_it_is_used(tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "folder" / "file"
    folder.mkdir()
    file.touch()
    for of_folder, of_file, expected in (
        (0o755, 0o644, False), (0o755, 0o666, True), (0o777, 0o644, True), (0o1777, 0o644, False),
    ):  # fmt: skip
        folder.chmod(of_folder)
        file.chmod(of_file)
        assert ownership.changeable(file) == expected, (oct(of_folder), oct(of_file))


@needs_root
def test_what_lies_in_another_users_folder_can_be_changed(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    os.chown(tmp_path / "theirs", 12345, 12345)
    assert ownership.changeable(tmp_path / "theirs" / "file")


def test_a_program_of_somebody_else_has_its_own_umask_back(tmp_path):
    before = os.umask(0)
    try:
        with pytest.raises(KeyError), ownership.sparing_others():
            (tmp_path / "file").touch()
            raise KeyError
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o664
        assert os.umask(0) == 0
    finally:
        os.umask(before)
