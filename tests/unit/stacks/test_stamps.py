"""Stamps of environments: what was installed is known again, and nothing else is believed."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest

from orchestrator.errors import HostError
from orchestrator.stacks import stamps

LOCK = "a==1\n"


@pytest.fixture
def place(tmp_path):
    """An environment with one package, as uv makes it."""
    site = tmp_path / "cache" / "place" / "lib" / "python3.11" / "site-packages"
    (site / "a-1.dist-info").mkdir(parents=True)
    (site / "_virtualenv.pth").write_text("import _virtualenv")
    (site / "a.py").write_text("A = 1")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"A = 1").digest()).rstrip(b"=").decode()
    (site / "a-1.dist-info" / "RECORD").write_text(f"a.py,sha256={digest},5\na-1.dist-info/RECORD,,\n")
    (site / "a-1.dist-info" / "INSTALLER").write_text("uv")
    return tmp_path / "cache" / "place"


def module(place):
    return place / "lib" / "python3.11" / "site-packages" / "a.py"


def replaced(path):
    """Its content changes, its size does not."""
    path.write_text("A = 2")


def test_what_was_stamped_is_known_again(place):
    assert stamps.doubt(place, "lock") is None
    stamps.write(place, "lock")
    assert stamps.doubt(place, "lock") == ""
    (place / ".lock").touch()  # uv was here
    assert stamps.doubt(place, "lock") == ""
    assert stamps.doubt(place, "another") == "it was made from another lock"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda place: replaced(module(place)), "changed since"),
        (lambda place: module(place).unlink(), "changed since"),
        (lambda place: module(place).with_name("sitecustomize.py").write_text("import os"), "changed since"),
        (lambda place: module(place).chmod(0o666), "can be written to by other users"),
        (lambda place: (place / "lib").chmod(0o777), "can be written to by other users"),
        (lambda place: (place / stamps.NAME).write_text("{"), "its stamp is damaged"),
    ],
)
def test_whatever_changes_is_seen(place, change, words):
    stamps.write(place, "lock")
    change(place)
    assert words in stamps.doubt(place, "lock")


def test_an_umask_that_opened_files_is_mended_when_it_is_made(place):
    module(place).chmod(0o666)
    stamps.write(place, "lock")
    assert stamps.doubt(place, "lock") == ""


def test_one_without_a_stamp_is_compared_with_what_its_packages_brought(place):
    assert stamps.unproven(place, LOCK, frozenset()) == ""
    assert stamps.unproven(place, "a==2\n", frozenset()) == "it has another a than its lock"
    assert stamps.unproven(place, "a==2\n", frozenset({"a"})) == "", "the caller has his own"
    assert stamps.unproven(place, "a==1\nb==1\n", frozenset()) == "it has another b than its lock"
    replaced(module(place))
    assert "is not as its package brought it" in stamps.unproven(place, LOCK, frozenset())


@pytest.mark.parametrize("name", ["sitecustomize.py", "evil.pth", "b.so"])
def test_a_file_of_no_package_is_not_believed(place, name):
    module(place).with_name(name).touch()
    assert stamps.unproven(place, LOCK, frozenset()).endswith(f"{name} is of no package")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_what_another_user_made_is_not_believed(place):
    stamps.write(place, "lock")
    os.chown(module(place), 12345, 12345)
    assert "belongs to another user" in stamps.doubt(place, "lock")
    assert "belongs to another user" in stamps.unproven(place, LOCK, frozenset())
    os.chown(place, 12345, 12345)
    with pytest.raises(HostError, match="belongs to user 12345") as caught:
        stamps.refuse_others(place)
    assert "Remove it" in caught.value.hint


def test_a_link_is_no_environment(place):
    (place.parent / "link").symlink_to(place)
    with pytest.raises(HostError, match="is no folder"):
        stamps.refuse_others(place.parent / "link")
    stamps.refuse_others(place.parent / "nothing")
