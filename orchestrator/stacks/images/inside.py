"""Reads an image without starting it: its libraries, those that they want, the GPUs of their code, what is large."""

from __future__ import annotations

import io
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from orchestrator.model import Noun
from orchestrator.stacks.cuda.elf import NotALibrary, dynamic
from orchestrator.stacks.cuda.machine_code import MachineCode, kinds, order, together

#: A library by its file name; and the names of NVIDIA's as they stand in code, by which dlopen finds libraries.
FILE = re.compile(r"\.so(\.[0-9.]+)?$")
#: They begin with letters, by which they are found fast, and are short, or a file of nothing else would take for ever.
IN_CODE = re.compile(rb"lib(?:cu|nv|nccl)[\w-]{0,99}\.so(?:\.\d{1,9}){0,9}(?![\w.])")
BEFORE = re.compile(rb"[\w.-]")
#: What the host's driver brings.
OF_DRIVER = re.compile(r"lib(cuda|cudadebugger|nvidia-[a-z-]+|nvcuvid|nvoptix|nvidia-ml)\.so")
#: Where Python's packages lie; NVIDIA's are a folder each below `nvidia`.
PACKAGES = re.compile(r"site-packages/((?:nvidia/)?[^/]+)/")
#: Bytes of a library that is read, and names that are taken from its code.
MOST_BYTES, MOST_NAMES = 4 * 2**30, 10_000
#: Packages below this are not told.
LARGE_MB = 50


class Wanted(Noun, frozen=True, kw_only=True):
    """A library that is not in the image: who needs it to be loaded, or names it in its code (and may do without)."""

    name: str
    needed_by: list[str] = []
    named_by: list[str] = []


class Inside(Noun, frozen=True, kw_only=True):
    """What an image holds. `large`: MB of each package from LARGE_MB on, the largest first."""

    libraries: int
    #: Of most fat binaries together; and every compute capability that any has code for.
    code: MachineCode
    capabilities: list[str]
    absent: list[Wanted]
    large: dict[str, int]

    @property
    def missing(self) -> list[Wanted]:
        """Those without which a library of the image cannot be loaded."""
        return [wanted for wanted in self.absent if wanted.needed_by]


def read(stream: Any) -> Inside:
    """From the tar stream of a container's file system (cuda.fetch.exported). Raises tarfile.TarError, OSError."""
    there: set[str] = set()
    needed: dict[str, set[str]] = {}
    named: dict[str, set[str]] = {}
    code: list[MachineCode] = []
    sizes: Counter[str] = Counter()
    count = 0
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            package = PACKAGES.search(member.name)
            sizes[package[1] if package else ""] += member.size
            if not FILE.search(name):
                continue
            there.add(name)
            content = _content(tar, member)
            if not content.startswith(b"\x7fELF"):
                continue
            count += 1
            code += kinds(content)
            for wanted in _needed(content, there):
                needed.setdefault(wanted, set()).add(name)
            for library in _named(content):
                named.setdefault(library, set()).add(name)
    large = {name: size // 10**6 for name, size in sizes.most_common() if name and size >= LARGE_MB * 10**6}
    return Inside(
        libraries=count,
        code=together(code),
        capabilities=sorted({each for kind in code for each in kind.native}, key=order),
        absent=list(_absent(there, needed, named)),
        large=large,
    )


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() and member.size <= MOST_BYTES else None
    return file.read() if file else b""


def _needed(content: bytes, there: set[str]) -> Iterable[str]:
    """Names that a library needs; its own is there from now on."""
    try:
        found = dynamic(io.BytesIO(content))
    except NotALibrary:
        return []
    there.add(found.soname)
    return [PurePosixPath(name).name for name in found.needed]


def _named(content: bytes) -> set[str]:
    """The names of NVIDIA's libraries that stand in code as words of their own."""
    found = islice(IN_CODE.finditer(content), MOST_NAMES)
    return {match[0].decode() for match in found if not BEFORE.match(content[match.start() - 1 : match.start()])}


def _absent(there: set[str], needed: dict[str, set[str]], named: dict[str, set[str]]) -> Iterator[Wanted]:
    for name in sorted({*needed, *named}):
        # Without a version a name is tried last, or stands in a message: any version will do.
        other = name.endswith(".so") and any(each.startswith(name) for each in there)
        if name in there or other or OF_DRIVER.match(name):
            continue
        yield Wanted(name=name, needed_by=sorted(needed.get(name, ())), named_by=sorted(named.get(name, ())))
