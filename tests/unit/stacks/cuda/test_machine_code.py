"""Fat binaries as compilers leave them in libraries: what they have code for, and bytes that only look like one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.stacks.cuda.machine_code import CUBIN, ENTRY, HEADER, MAGIC, PTX, MachineCode, read, together

VOLTA, HOPPER, BLACKWELL = (CUBIN, 70, 1, 7), (CUBIN, 90, 1, 7), (CUBIN, 120, 1, 8)
FORWARD = (PTX, 90, 8, 5)


def fat(*entries: tuple[int, int, int, int], code: bytes = b"compressed") -> bytes:
    """One fat binary of entries (kind, architecture, major, minor)."""
    parts = [
        ENTRY.pack(kind, 0x101, 64, len(code), 0, 0, minor, major, architecture).ljust(64, b"\0") + code
        for kind, architecture, major, minor in entries
    ]
    body = b"".join(parts)
    return HEADER.pack(int.from_bytes(MAGIC, "little"), 1, HEADER.size, len(body)) + body


def library(folder: Path, **sections: bytes) -> Path:
    """A real shared library with these sections; `nv` and `rodata` are those of nvcc and of constants."""
    if not shutil.which("gcc"):
        pytest.skip("no gcc to make a library with")
    names = {"nv": ".nv_fatbin", "rel": "__nv_relfatbin", "rodata": ".rodata", "other": ".other"}
    lines = []
    for key, content in sections.items():
        (folder / key).write_bytes(content)
        lines += [f'.section {names[key]}, "a"', f'.incbin "{folder / key}"']
    (folder / "made.s").write_text("\n".join([*lines, ""]))
    path = folder / "made.so"
    subprocess.run(["gcc", "-shared", "-nostdlib", "-o", str(path), str(folder / "made.s")], check=True)
    return path


def test_every_kind_of_fat_binary_is_counted(tmp_path):
    path = library(
        tmp_path, nv=fat(VOLTA, HOPPER) + b"\0" * 8 + fat(HOPPER, VOLTA), rel=fat(BLACKWELL), rodata=fat(VOLTA, FORWARD)
    )
    first, *others = read(path)
    assert first == MachineCode(binaries=2, native=["7.0", "9.0"])
    assert sorted(others, key=str) == [
        MachineCode(binaries=1, native=["12.0"]),
        MachineCode(binaries=1, native=["7.0"], ptx={"9.0": "8.5"}),
    ]


def test_bytes_that_look_like_one_are_none(tmp_path):
    odd = [MAGIC, MAGIC + b"\xff" * 40, fat((7, 70, 1, 7)), fat(VOLTA)[:-20]]  # too short, nonsense, unknown, cut off
    assert read(library(tmp_path, nv=b"".join(odd[:3]) + fat(HOPPER) + odd[3])) == [
        MachineCode(binaries=1, native=["9.0"])
    ]
    assert read(library(tmp_path, other=fat(VOLTA))) == []
    (tmp_path / "text").write_bytes(b"no library")
    (tmp_path / "empty").write_bytes(b"")
    assert read(tmp_path / "text") == read(tmp_path / "empty") == []


def test_what_most_binaries_have_counts():
    many = MachineCode(binaries=90, native=["7.0", "10.0"], ptx={"9.0": "8.3", "12.0": "8.5"})
    few = MachineCode(binaries=20, native=["5.0"], ptx={"12.0": "8.8"})
    assert together([many, few]) == MachineCode(binaries=110, native=["7.0", "10.0"], ptx={"12.0": "8.8"})
    assert together([MachineCode(binaries=9, native=["7.0"]), few]).ptx == {"12.0": "8.8"}
    assert together([]) == MachineCode(binaries=0)
