"""The inline metadata of a script (PEP 723): which packages it needs, and which Python. Read, never run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import msgspec.toml

from orchestrator.errors import UserError
from orchestrator.files import read_bytes
from orchestrator.model import Noun
from orchestrator.text import one_line, public

#: A block of comments that is TOML.
BLOCK = re.compile(r"^# /// script[ \t]*\n(?P<toml>(?:^#(?: .*)?\n)+?)^# ///[ \t]*$", re.MULTILINE)


class Metadata(Noun, frozen=True, kw_only=True):
    """What a block asks for: requirements as they were written, maybe with a secret; and versions of Python."""

    packages: list[str] = []
    python: str | None = None

    @property
    def public_packages(self) -> list[str]:
        """The requirements as anybody may see them."""
        return [public(requirement) for requirement in self.packages]


def requirements(path: str) -> list[str]:
    """The requirements of a file as they are written now, maybe with a secret: never to be recorded or shown."""
    return read(Path(path).name, read_bytes(Path(path))).packages


def read(name: str, content: bytes) -> Metadata:
    """The block of a file called `name`. Raises UserError for one that cannot be read."""
    blocks = BLOCK.findall(content.decode("utf-8", "replace").replace("\r\n", "\n"))
    if not blocks:
        return Metadata()
    if len(blocks) > 1:
        raise UserError(f"{name} has several blocks `# /// script`", "keep one")
    text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in blocks[0].splitlines())
    try:
        found = msgspec.toml.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UserError(f"{name}: the block `# /// script` is no TOML: {error}", "PEP 723 has its form") from error
    packages, python = found.get("dependencies", []), found.get("requires-python")
    if not isinstance(packages, list) or not all(isinstance(each, str) for each in packages):
        raise UserError(f"{name}: `dependencies` is no list of requirements", 'write ["pandas==2.2.3", ...]')
    for each in packages:
        _refuse(name, each)
    return Metadata(packages=packages, python=_python(name, python))


def _refuse(name: str, text: str) -> None:
    """Raises UserError for what is no requirement, and for one that could be another thing at every run."""
    from packaging.requirements import InvalidRequirement, Requirement  # only few files ask for anything

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        why = one_line(str(error).partition("\n")[0], 100)
        raise UserError(
            f"{name}: `dependencies`: {public(one_line(text, 100))!r} is no requirement: {public(why)}",
            'write "pandas", "pandas==2.2.3" or "pandas @ https://..."',
        ) from error
    url = requirement.url or ""
    if url.startswith("file:") and not url.endswith((".whl", ".gz", ".zip")):
        raise UserError(
            f"{name}: `dependencies`: {requirement.name} is a folder, and no hash tells what is in it",
            "put the package beside the script, where it is found, or name its wheel",
        )


def _python(name: str, python: object) -> str | None:
    """The versions of Python that a file runs on. Raises UserError for what names none."""
    if python is None:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return str(SpecifierSet(str(python)))
    except InvalidSpecifier as error:
        raise UserError(f"{name}: `requires-python` is no version: {python!r}", 'write ">=3.10"') from error


def runs_on(asked: str | None, python: str) -> bool:
    """Whether a file that asks for some versions of Python runs on this one: "3.11" is any 3.11.x."""
    if asked is None:
        return True
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet(asked, prereleases=True)
    return any(wanted.contains(version) for version in (python, f"{python}.0", f"{python}.99"))
