"""Packages that a file of one's own needs beside those of its stack: locked, and unpacked into a folder of their own.

The stack's packages are constraints, and none of them is ever in a layer. A folder is made beside its final place and
moved there in one step, under a lock, and stamped, as environments are; its lock is kept beside it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orchestrator.errors import HostError
from orchestrator.files import cache_folder, cache_locked, cached_record, write_atomic
from orchestrator.launchers.launcher import Laid
from orchestrator.model import Layer, OwnFile, Say, to_json
from orchestrator.plan import inline
from orchestrator.stacks import indexes, stamps, tools
from orchestrator.stacks.ground import Ground, Unfit, lacking, refuse_old
from orchestrator.stacks.indexes import Sources
from orchestrator.stacks.uv_program import uv_program
from orchestrator.stacks.venvs import Way, forget_secrets, own_indexes
from orchestrator.text import listed, one_line, plural, public

#: The oldest glibc that an image has (Debian 11 has 2.31): what wheels for it may need.
GLIBC = "2_28"
#: What uv says where requirements cannot be had together.
NO_SOLUTION = "No solution found"


def ready(ground: Ground, workload: str, own: OwnFile, kept: Layer | None, way: Way, say: Say) -> Laid:
    """The packages of a file on this ground, made where they are not there and may be made.

    `kept`: as they are on record for the run, which holds as long as the file asks for the same. Raises Unfit where
    file and ground contradict each other, HostError for what cannot be had or made.
    """
    heard: list[str] = []

    def once(line: str) -> None:
        """Where packages come from is said when they are locked, or else when they are fetched."""
        if line not in heard:
            say(line)
            heard.append(line)

    layer = locked(ground, workload, own, kept, way, once)
    if not layer.lock:
        return Laid(layer=layer)
    here, who = place(ground, layer), Path(own.path).name
    with cache_locked(here, lambda: say(f"waiting for another run that makes {here.name}")):
        if not _believed(here, layer, who, say):
            _refuse_to_make(way, who, ground, _names(layer.lock))
            say(f"making the packages of {who} for {ground.stack}: {listed(_names(layer.lock))}")
            _make(ground, here, _with_secrets(layer.lock, own), layer, _sources(ground, way, once))
    return Laid(layer=layer, path=str(here))


def locked(ground: Ground, workload: str, own: OwnFile, kept: Layer | None, way: Way, say: Say) -> Layer:
    """What the file gets on this ground, to the hash: as it is on record, as this host had it before, or as it is now.

    Raises as `ready` does.
    """
    who = Path(own.path).name
    wanted = lacking(ground, own.packages, who)
    refuse_old(ground, wanted, who)
    layer = Layer(workload=workload, stack=ground.stack, asked=own.packages, base=ground.sha256)
    if not wanted:
        return layer
    for known in (kept, cached_record(_record(ground, layer), Layer)):
        if known and (known.asked, known.base) == (layer.asked, layer.base) and known.lock:
            return msgspec.structs.replace(known, workload=workload)
    _refuse_to_make(way, who, ground, wanted)
    layer = msgspec.structs.replace(layer, lock=_resolved(ground, own, who, _sources(ground, way, say)))
    if layer.lock:
        write_atomic(_record(ground, layer), to_json(layer), "cache")
    return layer


def place(ground: Ground, layer: Layer) -> Path:
    """The folder of a layer, made or not."""
    return _folder() / f"{ground.stack}-{ground.sha256[:12]}-{(layer.sha256 or 'none')[:12]}-{_system(ground)}"


def assumed(ground: Ground, workload: str, own: OwnFile, kept: Layer | None) -> Laid:
    """The packages as a plan shows them: nothing is locked for it, so that their folder may not have its name yet."""
    layer = Layer(workload=workload, stack=ground.stack, asked=own.packages, base=ground.sha256)
    for known in (kept, cached_record(_record(ground, layer), Layer)):
        if known and (known.asked, known.base) == (layer.asked, layer.base):
            return Laid(layer=known, path=str(place(ground, known)) if known.lock else "")
    return Laid(layer=layer, path=str(_folder() / "PACKAGES"))


def _folder() -> Path:
    return cache_folder() / "layers"


def _record(ground: Ground, layer: Layer) -> Path:
    """The file that keeps the lock for the same question: what is asked for, of whom, for which system."""
    asked = "\n".join([*layer.asked, *ground.replaced])
    key = hashlib.sha256(f"{layer.base}\n{_system(ground)}\n{asked}".encode()).hexdigest()[:16]
    return _folder() / f"{ground.stack}-{key}.json"


def _system(ground: Ground) -> str:
    """Whom the packages fit: an environment's Python on this host, or an image's on the same processor."""
    return f"py{ground.python}-{platform.machine()}" + ("" if ground.interpreter is None else "-host")


def _refuse_to_make(way: Way, who: str, ground: Ground, wanted: list[str]) -> None:
    if not way.may_make:
        names = listed([one_line(public(text), 80) for text in wanted])
        raise HostError(
            f"{who} needs {names}, which {ground.stack} does not have, and nothing may be made", "leave --no-build out"
        )


def _sources(ground: Ground, way: Way, say: Say) -> Sources:
    sources = indexes.with_options(indexes.find(os.environ), way.index, way.ca_bundle)
    for line in (*sources.notes, f"its packages come from {sources.words(_own_indexes(ground, sources))}"):
        say(line)
    return sources


def _own_indexes(ground: Ground, sources: Sources) -> list[str]:
    return own_indexes(ground.lock, sources) if ground.lock else []


def _resolved(ground: Ground, own: OwnFile, who: str, sources: Sources) -> str:
    """The packages that are lacking, with their hashes and without secrets. Raises Unfit, HostError."""
    names = [*ground.pins, *ground.other_names, *ground.replaced]
    with _files() as folder:
        (folder / "asked.in").write_text("\n".join(inline.requirements(own.path)), encoding="utf-8")
        pins = ground.all_pins
        (folder / "has.txt").write_text("".join(f"{n}=={v}\n" for n, v in pins.items()), encoding="utf-8")
        for name, version in pins.items():
            # What an index does not know by this name or version; and without an index, its folders need not have it.
            if name in ground.other_names or "+" in version or sources.no_index:
                _stand_in(folder, name, version)
        argv = [
            *(uv_program(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"),
            *("--constraint", str(folder / "has.txt"), "--find-links", str(folder)),
            *("--output-file", str(folder / "lock.txt")),
            *(word for name in names for word in ("--no-emit-package", name)),
            *_target(ground),
            *indexes.uv_flags(sources),
            str(folder / "asked.in"),
        ]
        try:
            tools.run(argv, indexes.for_uv(sources, _own_indexes(ground, sources), os.environ))
        except tools.Failed as failed:
            raise _in_words(failed, ground, who) from failed
        lock = public((folder / "lock.txt").read_text(encoding="utf-8"))
    _refuse_unhashed(lock, who)
    return lock


def _target(ground: Ground) -> list[str]:
    """Whom the packages are for: an interpreter of this host, or the Python of an image, for which nothing is built."""
    if ground.interpreter is not None and Path(ground.interpreter).exists():
        return ["--python", ground.interpreter]
    target = ["--python", sys.executable, "--python-version", ground.python]
    target += ["--python-platform", f"{platform.machine()}-manylinux_{GLIBC}"]
    return [*target, *([] if ground.interpreter else ["--only-binary", ":all:"])]


def _stand_in(folder: Path, name: str, version: str) -> None:
    """An empty wheel for a package that the ground has: it is only asked for its name and version."""
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        about = f"{stem}.dist-info"
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def _in_words(failed: tools.Failed, ground: Ground, who: str) -> HostError:
    """What uv said, as an answer to whoever wrote the file."""
    if NO_SOLUTION not in failed.said:
        return HostError(f"the packages of {who} cannot be had: {failed.message}", failed.hint)
    why = failed.said.partition("Because ")[2].partition(" hint: ")[0]
    why = re.sub(r",? we can conclude that your requirements are unsatisfiable\.?$", "", why.strip())
    why = re.sub(r"\{[^{}]*\}|(?:\w+: )?\s*[│╰─▶├]+\s*", "", why)  # markers, and the frame around the text
    if "no usable wheels" in why or "no wheels" in why or "building from source is disabled" in failed.said:
        return Unfit(
            f"the packages of {who} cannot be had for an image: {why}; nothing is built for one",
            "with `--launcher process` it is built",
        )
    if any(f"{name}=={version}" in why for name, version in ground.all_pins.items()) or "Python" in why:
        return Unfit(f"the packages of {who} do not go with those of {ground.stack}: {one_line(why, 500)}")
    hint = "are name and version right? PIP_INDEX_URL names another package index"
    return HostError(f"the packages of {who} cannot be had: {one_line(why, 500)}", hint)


def _refuse_unhashed(lock: str, who: str) -> None:
    """Raises HostError for a package that could be another one at its next installation."""
    for entry in _entries(lock):
        if "--hash=" not in entry and not re.search(r"@ git\+\S+@[0-9a-f]{40}\b", entry):
            raise HostError(f"{who} needs {entry.split()[0]} from a place that gives no hash", "name a wheel, or git")


def _entries(lock: str) -> list[str]:
    """The packages of a lock, one text each."""
    return [entry for entry in re.split(r"(?<!\\)\n", lock) if entry.strip() and not entry.startswith("#")]


def _names(lock: str) -> list[str]:
    """The packages of a lock, for people: `einops 0.8.2`; of many, how many more."""
    found = [re.sub(r"^([\w.\[\]-]+)==(\S+).*", r"\1 \2", entry, flags=re.DOTALL) for entry in _entries(lock)]
    names = [re.sub(r" @ .*", "", name, flags=re.DOTALL) for name in found]
    return names if len(names) <= 6 else [*names[:5], plural(len(names) - 5, "other")]


def _with_secrets(lock: str, own: OwnFile) -> str:
    """The lock with the addresses as the file has them: their secrets are on no record."""
    for text in inline.requirements(own.path):
        address = text.partition("@")[2].partition(" ;")[0].strip()
        if "://" in address and public(address) != address:
            lock = lock.replace(public(address), address)
    return lock


def _believed(here: Path, layer: Layer, who: str, say: Say) -> bool:
    """Whether the folder is there, and is what was made from this lock by nobody else. Raises HostError."""
    stamps.refuse_others(here)
    if not here.is_dir():
        return False
    doubt = stamps.doubt(here, str(layer.sha256))
    if doubt or doubt is None:
        say(f"the packages of {who} in {here.name} are not believed: {doubt or 'they have no stamp'}")
        return False
    return True


def _make(ground: Ground, here: Path, lock: str, layer: Layer, sources: Sources) -> None:
    partial = here.with_name(f"{here.name}.partial")
    for old in (partial, here):
        shutil.rmtree(old, ignore_errors=True)
    try:
        with _files() as folder:
            (folder / "lock.txt").write_text(lock, encoding="utf-8")
            tools.run(
                [
                    *(uv_program(), "pip", "install", "--quiet", "--no-deps"),
                    *("--link-mode", "copy"),  # what a job does to its packages must not reach uv's cache
                    *("--target", str(partial)),
                    *_installer(ground),
                    *indexes.uv_flags(sources),
                    *([] if "@ git+" in lock else ["--require-hashes"]),
                    *("-r", str(folder / "lock.txt")),
                ],
                indexes.for_uv(sources, _own_indexes(ground, sources), os.environ),
            )
        (partial / ".lock").unlink(missing_ok=True)  # uv's own, for everybody to write
        forget_secrets(partial)
        _show_to_all(partial)
        stamps.write(partial, str(layer.sha256))
        partial.rename(here)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _installer(ground: Ground) -> list[str]:
    """Who unpacks. Modules are compiled where this host has their Python, as jobs keep nothing that they compile."""
    if ground.interpreter is not None:
        return ["--python", ground.interpreter, "--compile-bytecode"]
    same = ground.python == f"{sys.version_info[0]}.{sys.version_info[1]}"
    return [*_target(ground), *(["--compile-bytecode"] if same else [])]


def _show_to_all(place: Path) -> None:
    """A container's job may be another user: some wheels hold files for their owner alone."""
    for path in (place, *place.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = mode | (0o555 if path.is_dir() else 0o444)
            if mode != wanted:
                path.chmod(wanted)


@contextmanager
def _files() -> Iterator[Path]:
    """A folder of the caller's alone, for what uv reads: a requirement may hold a token."""
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-") as folder:
        yield Path(folder)
