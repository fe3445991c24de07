"""Finds the CUDA files of a GPU image: in a folder, in an image, or by the routes of docker/cuda.yaml.

By default a build looks into docker/cuda/<version>/, then tries the routes in turn. What a route gave is kept in the
user's cache with its hash, and checked each time it is used.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.data.contents import BadArchive
from orchestrator.errors import HostError
from orchestrator.files import (
    cache_folder,
    cache_locked,
    cached_records,
    disk_errors,
    own_folder,
    sha256_file,
    write_atomic,
)
from orchestrator.model import DeviceKind, Noun, Say, Sha256, Stack, to_json
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.cuda.declared import Archive, CudaParts, CudaSource, File, load_cuda
from orchestrator.stacks.cuda.fetch import Fetcher, Unreachable
from orchestrator.stacks.cuda.unpack import check
from orchestrator.text import public

#: Beside the kept files of a route: their hashes and origins.
RECORD = "files.json"


class Found(Noun, frozen=True, kw_only=True):
    """A file on this host, and the route that gave it (an option's name, if that named the place)."""

    path: Path
    route: str


class Kept(Noun, frozen=True, kw_only=True):
    """A file in the cache: its hash, and the address that it came from."""

    sha256: Sha256
    origin: str


def find(
    client: Any, stack: Stack, device: DeviceKind, catalog: Catalog, settings: BuildSettings, say: Say
) -> dict[str, Found]:
    """Every file that an image needs from outside PyPI and Debian, by its place below docker/cuda/<version>/.

    Raises HostError that names what is missing, each route that was tried and why it did not help, and what to do.
    """
    parts = load_cuda(catalog.docker_dir)
    variant = stack.images[device]
    files = [parts.file(Path(place).name) for place in variant.outside_files]
    found: dict[str, Found] = {}
    reasons: list[str] = []
    cache = cache_folder() / "cuda" / parts.version
    with unpacking_folder(cache) as scratch:
        fetcher = Fetcher(client, cache, scratch, say)
        for look in sources(parts, catalog.docker_dir, settings, fetcher):
            missing = [file for file in files if file.place not in found]
            if missing:
                found |= look(missing, reasons)
        for route in sorted({file.route for file in found.values()}):
            names = sorted(Path(place).name for place, file in found.items() if file.route == route)
            say(f"CUDA {parts.version} files by route {route}: {', '.join(names)}")
    missing_names = [file.name for file in files if file.place not in found]
    if missing_names:
        raise missing_files(stack, device, parts, missing_names, reasons, catalog.docker_dir)
    return found


@contextmanager
def unpacking_folder(cache: Path) -> Iterator[Path]:
    """A folder for this build, on the cache's own disk so that files are moved there, not copied."""
    with disk_errors(cache, "cache"):
        own_folder(cache)
        folder = tempfile.TemporaryDirectory(dir=cache, prefix=".unpacking-")
    with folder as name:
        yield Path(name)


#: A place to look: gives those of the files that it has, by their place, and appends why it lacks the others.
Source = Callable[[list[File], list[str]], dict[str, Found]]


def sources(parts: CudaParts, docker_dir: Path, settings: BuildSettings, fetcher: Fetcher) -> Iterator[Source]:
    """The places to look, in order. A folder, image or route that the user names is the only one."""
    if settings.cuda_dir:
        yield folder_source("--cuda-dir", Path(settings.cuda_dir))
    if settings.cuda_base:
        archive = Archive(urls=[settings.cuda_base], kind="image", gives=[part.name for part in parts.parts])
        route = CudaSource(name="cuda-base", title="--cuda-base", archives=[archive])
        yield route_source(parts, route, fetcher)
    asked = settings.cuda_dir or settings.cuda_base
    if not asked and not settings.cuda_routes:
        yield folder_source(f"docker/cuda/{parts.version}", docker_dir / "cuda" / parts.version)
    if settings.cuda_routes or not asked:
        routes = parts.chosen(settings.cuda_routes)
        for route in routes:  # what any of them gave before, before any is asked anew
            yield kept_source(fetcher.cache / route.name, route)
        for route in routes:
            yield route_source(parts, route, fetcher)


def folder_source(name: str, folder: Path) -> Source:
    """Files that someone put into a folder, at any depth: an unpacked tool kit has lib64/ and targets/.../lib/."""

    def look(files: list[File], reasons: list[str]) -> dict[str, Found]:
        found: dict[str, Found] = {}
        lacking = []
        for file in files:
            path = in_folder(folder, file)
            if path is None:
                lacking.append(file.name)
                continue
            try:
                check(file, path)
                found[file.place] = Found(path=path, route=name)
            except BadArchive as reason:
                reasons.append(f"{name}: {path}: {reason}")
        if lacking:
            reasons.append(f"{name}: {folder} does not hold {', '.join(lacking)}")
        return found

    return look


def in_folder(folder: Path, file: File) -> Path | None:
    """The file where the image would have it, else anywhere below the folder but among stubs."""
    if (folder / file.place).is_file():
        return folder / file.place
    for name in (file.name, *file.also):
        for path in sorted(folder.rglob(name)):
            if path.is_file() and "stubs" not in path.parts:
                return path
    return None


def route_source(parts: CudaParts, route: CudaSource, fetcher: Fetcher) -> Source:
    """Files from the route's archives, which are asked only for what they promise."""

    def look(files: list[File], reasons: list[str]) -> dict[str, Found]:
        folder = fetcher.cache / route.name
        with cache_locked(folder / RECORD):
            found: dict[str, Found] = {}
            for archive in route.archives:
                promised = parts.files(archive.gives)
                if any(file in promised and file.place not in found for file in files):
                    try:
                        found |= fetched(fetcher, folder, route, archive, promised)
                    except (BadArchive, Unreachable) as reason:
                        reasons.append(f"{route.name}: {reason}")
        wanted = {file.place for file in files}
        return {place: file for place, file in found.items() if place in wanted}

    return look


def kept_source(folder: Path, route: CudaSource) -> Source:
    """What an earlier build kept of a route's files; one whose hash has changed is not used."""

    def look(files: list[File], reasons: list[str]) -> dict[str, Found]:
        entries = records(folder)
        return {
            file.place: Found(path=folder / file.place, route=route.name)
            for file in files
            if file.place in entries
            and (folder / file.place).is_file()
            and sha256_file(folder / file.place) == entries[file.place].sha256
        }

    return look


def fetched(
    fetcher: Fetcher, folder: Path, route: CudaSource, archive: Archive, promised: list[File]
) -> dict[str, Found]:
    """Everything that one archive promises, moved into the cache and recorded. Raises BadArchive, Unreachable."""
    taken, origin = fetcher.fetch(archive, promised)
    lacking = [file.name for file in promised if file.name not in taken]
    if not taken:
        raise BadArchive(f"{origin} does not hold {', '.join(lacking)}")
    entries = records(folder)
    found = {}
    for file in promised:
        if file.name in taken:
            path = folder / file.place
            with disk_errors(path, "cache"):
                own_folder(path.parent)
                taken[file.name].replace(path)
            entries[file.place] = Kept(sha256=sha256_file(path), origin=public(origin))
            found[file.place] = Found(path=path, route=route.name)
    write_atomic(folder / RECORD, to_json(entries), "cache")
    return found


def records(folder: Path) -> dict[str, Kept]:
    """What the cache folder of a route holds. A damaged record is a HostError."""
    return cached_records(folder / RECORD, Kept)


def missing_files(
    stack: Stack, device: DeviceKind, parts: CudaParts, missing: list[str], reasons: list[str], docker_dir: Path
) -> HostError:
    """The error for people: the files, everything that was tried, and what to do."""
    lines = [f"the {device} image of {stack.name} needs files of CUDA {parts.version} that could not be had:"]
    lines += [f"  {', '.join(missing)}", "What was tried:"]
    lines += [f"  {reason}" for reason in dict.fromkeys(reasons)]
    hint = f"{docker_dir / 'CUDA.md'} says how to get them by hand; name their folder with --cuda-dir."
    return HostError("\n".join(lines), hint)


def routes_used(found: Mapping[str, Found]) -> str:
    """Each file and its route in one line, for a label of the image."""
    pairs = ((Path(place).name, file.route) for place, file in sorted(found.items()))
    return " ".join(f"{name}={route}" for name, route in pairs)
