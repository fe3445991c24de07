"""Reads from a shared library which GPUs its CUDA code is for: machine code by compute capability, and PTX.

Compilers leave both as "fat binaries", one for each file with kernels: a header of 16 bytes, and entries one after
another, each with a header and the code, which may be compressed. The headers say all that is asked here. nvcc and
clang put them into sections of their own, TensorFlow's generated kernels lie among its constants. NVIDIA documents only
the tool that prints them (cuobjdump); the fields are those that were seen in the wheels of 2017 and of today.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator import extras
from orchestrator.model import Noun
from orchestrator.stacks.cuda.elf import DAMAGED

SECTIONS = (".nv_fatbin", "__nv_relfatbin", ".rodata")
MAGIC = struct.pack("<I", 0xBA55ED50)
#: magic, version, size of this header, size of all entries.
HEADER = struct.Struct("<IHHQ")
#: kind, version, size of this header, size of the code, compressed size, -, minor and major version, architecture.
ENTRY = struct.Struct("<HHIQIIHHI")
PTX, CUBIN = 1, 2
#: A capability counts where this share of the fat binaries have code for it: wheels leave rare ones to some cards.
SHARE = 0.5
Content = bytes | mmap.mmap


class MachineCode(Noun, frozen=True, kw_only=True):
    """Compute capabilities ("7.5") in order: those with machine code, and those that PTX is for, with its version.

    `binaries`: of how many fat binaries this holds.
    """

    binaries: int
    native: list[str] = []
    ptx: dict[str, str] = {}


def read(path: Path) -> list[MachineCode]:
    """The kinds of fat binaries in one library; [] for a file without any, and for one that is no library."""
    with path.open("rb") as stream:
        if not stream.seek(0, io.SEEK_END):
            return []
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return kinds(content)


def kinds(content: Content) -> list[MachineCode]:
    """The same of the content of a file, the most frequent kind first. Raises Lacking."""
    counted = Counter(frozenset(entries) for entries in _fat_binaries(content))
    return [_kind(entries, count) for entries, count in counted.most_common()]


def together(found: Iterable[MachineCode]) -> MachineCode:
    """What most fat binaries of several libraries have code for; of PTX the newest capability and version."""
    found = list(found)
    whole = sum(each.binaries for each in found)
    native = {capability for each in found for capability in each.native}
    ptx = {(capability, version) for each in found for capability, version in each.ptx.items()}
    can = [each for each in native if _have(found, [each], []) >= SHARE * whole]
    forward = sorted((pair for pair in ptx if _have(found, [], [pair[0]]) >= SHARE * whole), key=_pair_order)
    return MachineCode(binaries=whole, native=sorted(can, key=order), ptx=dict(forward[-1:]))


def order(text: str) -> tuple[int, ...]:
    """What "10.0" is sorted by."""
    return tuple(int(part) for part in text.split("."))


def _have(found: Sequence[MachineCode], native: list[str], ptx: list[str]) -> int:
    return sum(e.binaries for e in found if {*native} & {*e.native} or {*ptx} & {*e.ptx})


def _pair_order(pair: tuple[str, str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return order(pair[0]), order(pair[1])


def _kind(entries: frozenset[tuple[int, int, str]], count: int) -> MachineCode:
    native = {_capability(architecture) for kind, architecture, _ in entries if kind == CUBIN}
    ptx = {_capability(architecture): version for kind, architecture, version in sorted(entries) if kind == PTX}
    return MachineCode(binaries=count, native=sorted(native, key=order), ptx=ptx)


def _capability(architecture: int) -> str:
    return f"{architecture // 10}.{architecture % 10}"


def _fat_binaries(content: Content) -> Iterator[set[tuple[int, int, str]]]:
    """(kind, architecture, version) of the entries of each."""
    with extras.needed("elftools"):  # only here: most commands read no library
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    stream: Any = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        file = ELFFile(stream)
        spans = [(s["sh_offset"], s["sh_size"]) for s in file.iter_sections() if s.name in SECTIONS]
    except (ELFError, *DAMAGED):
        return
    for offset, size in spans:
        yield from _of_section(content, offset, min(offset + size, len(content)))


def _of_section(content: Content, at: int, end: int) -> Iterator[set[tuple[int, int, str]]]:
    at = content.find(MAGIC, at, end)
    while 0 <= at <= end - HEADER.size:
        _, version, header, size = HEADER.unpack_from(content, at)
        whole = at + header + size
        entries = set(_entries(content, at + header, min(whole, end))) if version == 1 and whole <= end else set()
        if entries:
            yield entries
        at = content.find(MAGIC, whole if entries else at + 1, end)  # other bytes may look like the magic number


def _entries(content: Content, at: int, end: int) -> Iterator[tuple[int, int, str]]:
    while at + ENTRY.size <= end:
        kind, _, header, size, _, _, minor, major, architecture = ENTRY.unpack_from(content, at)
        if kind not in (PTX, CUBIN) or header < ENTRY.size:
            return
        yield kind, architecture, f"{major}.{minor}"
        at += header + size
