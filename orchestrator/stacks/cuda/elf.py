"""Reads from a shared library its own name and the names of the libraries that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from orchestrator import extras
from orchestrator.model import Noun

#: What the reader of ELF files raises for numbers in them that lead nowhere, beside its own error.
DAMAGED = (ValueError, LookupError, OSError, OverflowError, TypeError, AttributeError, AssertionError)
#: Entries of a dynamic section that are read, and letters of a name there: no file has a longer one.
MOST_TAGS, MOST_NAME = 10_000, 255


class NotALibrary(ValueError):
    """Why a file is no shared library that x86-64 Linux could load, in words for people."""


class Dynamic(Noun, frozen=True, kw_only=True):
    """The dynamic section of a library: DT_SONAME ("" where it has none) and every DT_NEEDED."""

    soname: str
    needed: list[str]


def dynamic(stream: IO[bytes]) -> Dynamic:
    """Read the dynamic section. Raises NotALibrary for anything that is no x86-64 shared library, and Lacking."""
    with extras.needed("elftools"):  # only here: most commands read no library
        from elftools.common.exceptions import ELFError
        from elftools.elf.dynamic import DynamicSection
        from elftools.elf.elffile import ELFFile

    try:
        file = ELFFile(stream)
        if file["e_machine"] != "EM_X86_64":
            raise NotALibrary(f"it is for another machine ({file['e_machine']})")
        section = file.get_section_by_name(".dynamic")
        if not isinstance(section, DynamicSection):
            raise NotALibrary("it has no dynamic section")
        tags = list(_tags(section))
    except NotALibrary:
        raise
    except (ELFError, *DAMAGED) as error:
        raise NotALibrary(f"it is not an ELF file ({error or type(error).__name__})") from error
    names = [tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"]
    needed = {tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"}
    return Dynamic(soname=names[0] if names else "", needed=sorted(needed))


def _tags(section: Any) -> Iterator[Any]:
    """The entries of a dynamic section, as many as a library may have. Raises NotALibrary for a name too long."""
    for tag in islice(section.iter_tags(), MOST_TAGS):
        if len(getattr(tag, "needed", "") or getattr(tag, "soname", "")) > MOST_NAME:
            raise NotALibrary(f"a name in it is longer than {MOST_NAME} letters")
        yield tag


def check_soname(path: Path, expected: str) -> None:
    """Raises NotALibrary unless the file is a library of exactly this name."""
    with path.open("rb") as stream:
        soname = dynamic(stream).soname
    if soname != expected:
        raise NotALibrary(f"its soname is {soname or 'empty'}")
