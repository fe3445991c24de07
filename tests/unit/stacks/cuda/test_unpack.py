"""Single files out of archives that may lie: each wrong one has its own reason, and writes nothing elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.data.contents import BadArchive
from orchestrator.errors import HostError
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.cuda import unpack
from orchestrator.stacks.cuda.declared import load_cuda
from orchestrator.stacks.cuda.unpack import take, take_exported
from orchestrator.stacks.streams import Chunks
from tests.fakes.libraries import Members, deb, library, tar

PARTS = load_cuda(load_catalog().docker_dir)
LIB, CUDNN = "libcudart.so.8.0", "libcudnn.so.6"
HEADER = b"#define CUDNN_MAJOR      6\n"


def toolkit() -> Members:
    """What a tool kit looks like: the name with a version is a link to the file."""
    return {"lib/libcudart.so.8.0": "-> libcudart.so.8.0.61", "lib/libcudart.so.8.0.61": library(LIB)}


def taken(folder: Path, content: bytes, *names: str, kind: str = "tar") -> dict[str, bytes]:
    """What `take` gets out of an archive, by name."""
    (folder / "archive").write_bytes(content)
    (folder / "out").mkdir(exist_ok=True)
    files = [PARTS.file(name) for name in names or [LIB]]
    return {name: path.read_bytes() for name, path in take(folder / "archive", kind, files, folder / "out").items()}


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        ("tar", lambda members: tar(members, "bz2")),
        ("tar", lambda members: tar(members, "gz")),
        ("tar", lambda members: tar(members, "xz")),
        ("deb", lambda members: deb(members, "xz")),
        ("deb", lambda members: deb(members, "gzip")),
    ],
)
def test_a_file_is_found_through_its_link(tmp_path: Path, kind: str, pack: Any):
    assert taken(tmp_path, pack(toolkit()), kind=kind) == {LIB: library(LIB)}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"lib/libcudart.so.8.0": "libcudart.so.9.0"}, "is not what it should be: its soname is libcudart.so.9.0"),
        ({"lib/libcudart.so.8.0": b"hello"}, "libcudart.so.8.0 is not what it should be: it is not an ELF file"),
        ({"lib/libcudart.so.8.0": b"\x7fELF" + bytes(60)}, "libcudart.so.8.0 is not what it should be"),
        ({"../../tmp/libcudart.so.8.0": b"x"}, "'../../tmp/libcudart.so.8.0' points outside"),
        ({"/etc/passwd": b"x"}, "'/etc/passwd' points outside"),
        ({"lib/libcudart.so.8.0": "-> /etc/passwd"}, "'lib/libcudart.so.8.0 -> /etc/passwd' points outside"),
        ({"lib/libcudart.so.8.0": "-> ../../../etc/passwd"}, "points outside of the archive"),
        ({"lib/libcudart.so.8.0": "=> ../etc/passwd"}, "points outside of the archive"),
    ],
)
def test_each_wrong_archive_has_its_own_reason(tmp_path: Path, members: dict[str, Any], reason: str):
    made = {n: library(c) if isinstance(c, str) and c.startswith("lib") else c for n, c in members.items()}
    with pytest.raises(BadArchive) as caught:
        taken(tmp_path, tar(made, "gz"))
    assert reason in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "out"}


@pytest.mark.parametrize(
    "members",
    [
        {"lib/libcublas.so.8.0": b"other"},
        {"lib/stubs/libcudart.so.8.0": b"stub"},
        {"lib/libcudart.so.8.0": "-> nowhere.so"},
        {"lib/libcudart.so.8.0": "-> libcudart.so.8.0"},
    ],
)
def test_what_an_archive_does_not_hold_is_not_in_the_answer(tmp_path: Path, members: Members):
    assert taken(tmp_path, tar(members, "gz")) == {}


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("tar", lambda: tar({**toolkit(), "big": library(LIB) * 40}, "bz2")[:-600], "damaged, or of an unknown kind"),
        ("tar", lambda: b"<html>not found</html>", "damaged, or of an unknown kind"),
        ("deb", lambda: b"<html>not found</html>", "not a Debian package"),
        ("deb", lambda: b"!<arch>\n", "a Debian package without data.tar"),
        (  # a size that would lead back to its own header
            "deb",
            lambda: b"!<arch>\n" + b"debian-binary".ljust(48) + b"-60".ljust(10) + b"`\n",
            "a Debian package without data.tar",
        ),
    ],
)
def test_a_cut_archive_and_a_package_without_data_are_damaged(tmp_path: Path, kind: str, content: Any, reason: str):
    with pytest.raises(BadArchive, match=reason):
        taken(tmp_path, content(), kind=kind)


def test_a_member_that_is_there_twice_does_not_disturb_the_next(tmp_path: Path):
    both = {"cuda/lib64/libcudnn.so.6": library(CUDNN), "cuda/lib64/libcudart.so.8.0": library(LIB)}
    found = taken(tmp_path, tar(both, "gz", twice=True), LIB, CUDNN)
    assert found == {LIB: library(LIB), CUDNN: library(CUDNN)}


def test_an_implausibly_large_member_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpack, "LARGEST", 10)
    with pytest.raises(BadArchive, match="implausibly large"):
        taken(tmp_path, tar(toolkit(), "gz"))
    assert list((tmp_path / "out").iterdir()) == []


def test_the_header_of_another_version_is_refused_and_debians_name_for_it_accepted(tmp_path: Path):
    with pytest.raises(BadArchive, match=r"cudnn\.h is of another version"):
        taken(tmp_path, tar({"include/cudnn.h": b"#define CUDNN_MAJOR 5\n"}, "gz"), "cudnn.h")
    debian = tar({"usr/include/x86_64-linux-gnu/cudnn_v6.h": HEADER}, "gz")
    assert taken(tmp_path, debian, "cudnn.h") == {"cudnn.h": HEADER}


def test_links_of_an_exported_image_start_at_its_root(tmp_path: Path):
    members = {
        "usr/include/cudnn.h": "-> /etc/alternatives/cudnn",
        "etc/alternatives/cudnn": "-> /usr/include/x86_64-linux-gnu/cudnn_v6.h",
        "usr/include/x86_64-linux-gnu/cudnn_v6.h": HEADER,
    }
    content = tar(members)
    pieces = Chunks(content[start : start + 1000] for start in range(0, len(content), 1000))
    found = take_exported(pieces, [PARTS.file("cudnn.h")], tmp_path)
    assert found["cudnn.h"].read_bytes() == HEADER


def test_a_folder_that_cannot_be_written_is_the_hosts_fault_not_the_archives(tmp_path: Path):
    (tmp_path / "out").write_text("a file in the way")
    (tmp_path / "archive").write_bytes(tar(toolkit(), "gz"))
    with pytest.raises(HostError, match="cannot write") as caught:
        take(tmp_path / "archive", "tar", [PARTS.file(LIB)], tmp_path / "out")
    assert "XDG_CACHE_HOME" in caught.value.hint
