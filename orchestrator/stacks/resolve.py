"""Makes locks: every package that a stack needs, of one version, with hashes.

For Python 3 uv resolves and hashes, for x86-64 Linux. For Python 2.7 every package is named (python2_lock.py).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from orchestrator import doors
from orchestrator.errors import HostError, OrchestrateError, UserError
from orchestrator.files import read_text, write_atomic
from orchestrator.model import Noun
from orchestrator.plan.eras import pins
from orchestrator.stacks import indexes, python2_lock
from orchestrator.stacks.indexes import Sources
from orchestrator.stacks.locks import cuda_packages
from orchestrator.stacks.tools import tool_environment
from orchestrator.stacks.uv_program import uv_program
from orchestrator.text import one_line, plural, public

#: The comments at the top of an .in file, and of a lock of one's own, that say how it is made.
SETTING = re.compile(r"^# (python|index|as-of|any-date|without): *(\S.*?) *$", re.MULTILINE)
#: What uv says when an index does not answer.
SILENT = re.compile(r"failed to fetch|request failed|error sending request|dns error|timed out|could not connect", re.I)
#: uv's remark from which index a package is.
FROM = re.compile(r"^ +# from (.*)\n", re.MULTILINE)
PLATFORM = "x86_64-manylinux_2_28"


class Wanted(Noun, frozen=True, kw_only=True):
    """What a lock is made of."""

    packages: list[str]
    python: str
    #: No file that was uploaded after this day counts...
    as_of: date | None = None
    #: ...but for these packages, whose files say another day than that of their release.
    any_date: list[str] = []
    #: An index with wheels that the main index lacks.
    index: str | None = None
    #: Packages that others ask for, and that nothing here needs: the lock does not name them.
    without: list[str] = []

    @property
    def comments(self) -> list[str]:
        """What is wanted, as the first lines of a lock, by which a lock is known to be of other wishes."""
        dates = {"as-of": self.as_of, "any-date": " ".join(self.any_date)}
        settings = {"python": self.python, **dates, "index": self.index, "without": " ".join(self.without)}
        lines = [f"# {name}: {value}" for name, value in settings.items() if value]
        return [*lines, *(f"# asked: {package}" for package in self.packages)]


class Locked(Noun, frozen=True, kw_only=True):
    """Packages and hashes, without comments; and the stack's own index where it is needed for one of them."""

    packages: str
    index: str | None = None


def wanted_by(text: str, name: str) -> Wanted:
    """What an .in file asks for. Raises UserError where it says a setting twice, or wrongly."""
    found = SETTING.findall(text)
    settings = dict(found)
    if len(settings) < len(found):
        raise UserError(f"{name} says the same of its lock twice", "keep one line of each: # python, # index, # as-of")
    if "python" not in settings:
        raise UserError(f"{name} does not say for which Python it is", "begin it with a line like `# python: 3.11`")
    try:
        day = date.fromisoformat(settings["as-of"]) if "as-of" in settings else None
    except ValueError as error:
        raise UserError(f"{name}: as-of: {settings['as-of']!r} is no day", "write it like 2025-06-30") from error
    return Wanted(
        packages=[line for each in text.splitlines() if (line := each.partition("#")[0].strip())],
        python=settings["python"],
        as_of=day,
        any_date=settings.get("any-date", "").split(),
        index=settings.get("index"),
        without=settings.get("without", "").split(),
    )


def resolved(wanted: Wanted, what: str, environ: Mapping[str, str]) -> Locked:
    """What the lock of `what` has to say.

    Raises UserError for what cannot be had together, HostError where an index does not answer.
    """
    sources = indexes.find(environ)
    try:
        if wanted.python.startswith("2."):
            return Locked(packages="\n".join(python2_lock.locked(wanted.packages, sources)) + "\n")
        return _by_uv(wanted, sources, environ)
    except OrchestrateError as error:
        raise type(error)(f"{what} cannot be locked: {error.message}", error.hint) from error


def lock_again(source: Path, environ: Mapping[str, str]) -> Path:
    """Writes the lock of a shipped stack, beside the .in file that says what it is made of. Raises as `resolved`."""
    wanted = wanted_by(read_text(source), source.name)
    text = resolved(wanted, source.stem, environ).packages
    if wanted.python.startswith("2."):
        text = f"# Made by `orchestrate lock` from {source.name}; do not edit.\n{text}"
    write_atomic(doors.own(source.parent) / f"{source.stem}.txt", text.encode())
    return source.with_suffix(".txt")


def _by_uv(wanted: Wanted, sources: Sources, environ: Mapping[str, str]) -> Locked:
    # Folders with wheels stand in for the stack's own index, as they do where its environment is made.
    own = [wanted.index] if wanted.index and not sources.folders else []
    with tempfile.TemporaryDirectory() as folder:
        asked, lock = Path(folder, "packages.in"), Path(folder, "lock.txt")
        asked.write_text("".join(f"{package}\n" for package in wanted.packages), encoding="utf-8")
        words = [uv_program(), "pip", "compile", str(asked), "--output-file", str(lock), "--quiet"]
        words += ["--generate-hashes", "--no-header", "--no-annotate", "--python-version", wanted.python]
        words += [word for package in wanted.without for word in ("--no-emit-package", package)]
        words += ["--python-platform", PLATFORM, "--emit-index-annotation", *dates(wanted), *indexes.uv_flags(sources)]
        environment = tool_environment(indexes.for_uv(sources, own, environ))
        answer = subprocess.run(
            words, capture_output=True, encoding="utf-8", errors="replace", check=False, env=environment
        )
        if answer.returncode == 0:
            return _read(lock.read_text(encoding="utf-8"), wanted.index)
    raise _refusal(answer.stderr or answer.stdout, wanted)


def _read(text: str, index: str | None) -> Locked:
    """uv's answer, which says from which index each package is. A local version (+cpu) is on the stack's own alone."""
    origins = FROM.findall(text)
    text = FROM.sub("", text)
    needed = index and (
        any(index.rstrip("/") in origin for origin in origins) or any("+" in v for v in pins(text).values())
    )
    return Locked(packages=text, index=index if needed else None)


def dates(wanted: Wanted) -> list[str]:
    """uv's options for a lock as of a day, whose end is the same moment for everybody.

    A version of one index only (+cpu) is asked for as it is: such indexes tell no days.
    """
    if wanted.as_of is None:
        return []
    local = [found[0] for each in wanted.packages if (found := re.match(r"[\w.-]+(?=[^;]*==[^;]*\+)", each))]
    free = [word for name in (*wanted.any_date, *local) for word in ("--exclude-newer-package", f"{name}=false")]
    return ["--exclude-newer", f"{wanted.as_of + timedelta(days=1)}T00:00:00Z", *free]


def _refusal(said: str, wanted: Wanted) -> OrchestrateError:
    """uv's last words as an error for people."""
    text = re.sub(r"^\s*(error:|cause:|hint:|[×│╰╭─▶├]+)\s*", "", said, flags=re.MULTILINE)
    text = one_line(public(re.sub(r"[×│╰╭─▶├]", " ", text)), 600)
    if SILENT.search(said):
        hint = python2_lock.REACH
        return HostError(text, f"{hint}; `index: none` leaves {wanted.index} out" if wanted.index else hint)
    if "No space left on device" in said or "os error 28" in said:
        return HostError("the disk is full", "free some space")
    return UserError(text, "change what is asked for: packages, python or as_of")


def cuda_words(lock: str, environ: Mapping[str, str]) -> str:
    """What a lock for CPUs holds of CUDA, in words, with its size where the index tells; "" for nothing."""
    names = cuda_packages(lock)
    if not names:
        return ""
    try:
        sources = indexes.find(environ)
        sizes = [_size(python2_lock.index_files(name, sources), lock) for name in names]
    except OrchestrateError:
        sizes = [0]
    size = f"{sum(sizes) / 1e9:.1f} GB" if all(sizes) else "of unknown size"
    return f"{plural(len(names), 'package')} of CUDA, {size} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"


def _size(files: Iterable[python2_lock.File], lock: str) -> int:
    """Bytes of the file that is installed of a package; 0 where the index does not tell."""
    mine = [f for f in files if f.get("hashes", {}).get("sha256", "-") in lock and "linux" in f["filename"]]
    return max((int(f.get("size") or 0) for f in mine if "x86_64" in f["filename"]), default=0)
