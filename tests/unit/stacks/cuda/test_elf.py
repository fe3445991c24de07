"""What is read from a shared library, and what is none."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.stacks.cuda import machine_code
from orchestrator.stacks.cuda.elf import NotALibrary, check_soname, dynamic
from tests.fakes.libraries import library

LIB = "libcudart.so.8.0"


def test_the_name_of_a_library_and_what_it_needs(tmp_path: Path):
    assert dynamic(io.BytesIO(library(LIB))).soname == LIB
    (tmp_path / LIB).write_bytes(library(LIB))
    user = tmp_path / "libuser.so"
    flags = ["-shared", "-nostdlib", "-Wl,--no-as-needed", str(tmp_path / LIB), "-x", "c", "/dev/null"]
    subprocess.run(["gcc", *flags, "-o", str(user)], check=True, capture_output=True)
    with user.open("rb") as stream:
        found = dynamic(stream)
    assert (found.soname, found.needed) == ("", [LIB])


def test_a_library_of_just_this_name(tmp_path: Path):
    (tmp_path / "x").write_bytes(library(LIB))
    check_soname(tmp_path / "x", LIB)
    with pytest.raises(NotALibrary, match=r"its soname is libcudart\.so\.8\.0"):
        check_soname(tmp_path / "x", "libcudart.so.9.0")


def test_a_library_of_another_machine():
    content = bytearray(library(LIB))
    content[18:20] = (183).to_bytes(2, "little")  # e_machine
    with pytest.raises(NotALibrary, match="it is for another machine"):
        dynamic(io.BytesIO(content))


def test_an_object_file_has_no_dynamic_section(tmp_path: Path):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    subprocess.run(["gcc", "-c", "-x", "c", "/dev/null", "-o", str(tmp_path / "x.o")], check=True)
    with (tmp_path / "x.o").open("rb") as stream, pytest.raises(NotALibrary, match="it has no dynamic section"):
        dynamic(stream)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x7fELF" + bytes(60)])
def test_what_is_no_library_is_refused(content: bytes):
    with pytest.raises(NotALibrary):
        dynamic(io.BytesIO(content))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_library_that_is_cut_is_refused_or_read_but_never_a_crash(share: float):
    content = library(LIB)
    with contextlib.suppress(NotALibrary):
        assert dynamic(io.BytesIO(content[: int(len(content) * share)])).soname in (LIB, "")


def test_a_name_that_no_file_can_have_is_none():
    with pytest.raises(NotALibrary, match="longer than 255 letters"):
        dynamic(io.BytesIO(library("lib" + "x" * 300 + ".so")))


def test_numbers_that_lead_nowhere_are_no_crash():
    content = bytearray(library(LIB))
    headers = int.from_bytes(content[40:48], "little")
    for at in range(headers, len(content) - 63, 64):
        content[at + 24 : at + 32] = (2**64 - 1).to_bytes(8, "little")  # where the section lies
    with pytest.raises(NotALibrary, match="not an ELF file"):
        dynamic(io.BytesIO(content))
    assert machine_code.kinds(bytes(content)) == []
