"""An environment that was found, as a stack beside those of the catalog. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

import msgspec

from orchestrator.model import Backend, CacheVolume, Deviation, DeviceKind, Found, ImageVariant, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.stacks.found.probe import Met, Seen

KINDS: tuple[DeviceKind, ...] = ("cpu", "gpu")
#: Names of folders that say nothing of what is in them.
PLAIN = ("venv", "env", "virtualenv")
#: Folders of the system's own interpreters.
SYSTEM = ("/", "/usr", "/usr/local")
#: Characters of a name; it is part of the names of folders and containers.
LONGEST = 40


def stack_of(found: Found, seen: Seen, catalog: Catalog, taken: Iterable[str]) -> Stack:
    """The stack of an environment, with every backend that works in it. Its settings are those of the catalog's."""
    met: dict[str, Met] = {name: each for name, each in seen.met.items() if not each.error}
    peers = {name: _peer(name, catalog) for name in met}
    python = ".".join(seen.python.split(".")[:2])
    title = f"Python {python} at {found.place}" if found.kind == "python" else f"{found.place} (Python {python})"
    return Stack(
        name=_free(_name(found), taken),
        title=f"{title}, as found",
        python=python,
        keras=next(iter(met.values())).keras,
        base="found",
        backends=[_backend(name, each, peers[name], seen) for name, each in met.items()],
        images={kind: ImageVariant(env=_settings(peers.values(), kind, found.kind), verified=True) for kind in KINDS},
        caches=_caches(peers.values()) if found.kind == "python" else [],
        deviations=list(_deviations(met, peers, seen)),
        found=found,
    )


def _peer(backend: str, catalog: Catalog) -> Stack | None:
    """The catalog's first stack of today with this backend."""
    able = (stack for stack in catalog.stacks if not stack.article and stack.found is None)
    return next((stack for stack in able if backend in {each.name for each in stack.backends}), None)


def _backend(name: str, met: Met, peer: Stack | None, seen: Seen) -> Backend:
    like = peer.backend(name) if peer else None
    title = like.title.rpartition(" ")[0] if like else name
    return Backend(
        name=name,
        title=f"{title} {met.version}",
        package=like.package if like else {kind: name for kind in KINDS},
        env=like.env if like else {"KERAS_BACKEND": name},
        gpu_maker="AMD" if _is_rocm(name, met, seen) else "NVIDIA",
    )


def _is_rocm(name: str, met: Met, seen: Seen) -> bool:
    """Whether a library was built for AMD's GPUs: its version says it, or a package that it is or brings along."""
    packages = {each.partition("==")[0] for each in seen.packages}
    return "rocm" in met.version or any(re.match(rf"{name}-rocm", package) for package in packages)


def _settings(peers: Iterable[Stack | None], kind: DeviceKind, what: str) -> dict[str, str]:
    """The variables that the catalog's images set for these backends; none of caches for an image, which has none."""
    peers = list(peers)
    images = [peer.images[kind] for peer in peers if peer and kind in peer.images]
    settings = {key: value for image in images for key, value in image.env.items()}
    inside = tuple(cache.path for cache in _caches(peers))
    return {k: v for k, v in settings.items() if what == "python" or not inside or not v.startswith(inside)}


def _caches(peers: Iterable[Stack | None]) -> list[CacheVolume]:
    """What these backends compile and keep, as the catalog says it of its stacks."""
    return list({cache.name: cache for peer in peers if peer for cache in peer.caches}.values())


def _deviations(met: dict[str, Met], peers: dict[str, Stack | None], seen: Seen) -> Iterator[Deviation]:
    """What differs from the article, as the catalog says it of each backend, with the versions that were found."""
    everywhere: dict[Deviation, list[str]] = {}
    for name, peer in peers.items():
        for deviation in peer.deviations if peer else []:
            everywhere.setdefault(_as_found(deviation, name, met[name], seen), []).append(name)
    for deviation, names in everywhere.items():
        if len(names) == len(met):
            yield deviation
        else:
            yield from (msgspec.structs.replace(deviation, backend=name) for name in names)


def _as_found(deviation: Deviation, backend: str, met: Met, seen: Seen) -> Deviation:
    """One deviation of the catalog; those that speak of versions, with what is there."""
    keras = met.keras if met.module == "keras" else f"{met.keras} ({met.module})"
    here = {
        "Keras": keras,
        "Python": seen.python,
        "operating system": "as found; cannot be rebuilt",
        "backend": f"{backend} {met.version}",
        "TensorFlow": met.version,
    }
    if deviation.what not in here:
        return deviation
    return msgspec.structs.replace(deviation, here=here[deviation.what], why="what was found is used as it is")


def _name(found: Found) -> str:
    """A name from that of the environment's folder, of the program, or of the image."""
    if found.kind == "image":
        words = [found.place.partition("@")[0].rpartition("/")[2]]
    else:
        path = PurePosixPath(found.place)
        top = path.parent.parent
        system = path.parent.name != "bin" or str(top) in SYSTEM
        words = [path.name] if system else [top.name]
        if not system and top.name.lstrip(".") in PLAIN:
            words.insert(0, top.parent.name)
    text = re.sub(r"[^a-z0-9_]+", "-", "-".join(words).lower()).strip("-_")
    return text[:LONGEST].rstrip("-_") or "found"


def _free(name: str, taken: Iterable[str]) -> str:
    names = set(taken)
    return next(each for each in (name, *(f"{name}-{n}" for n in range(2, 10_000))) if each not in names)


def differences(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """What became of packages, in words: `keras 3.14.0 is 3.15.1 now`."""
    old, new = (dict(each.partition("==")[::2] for each in packages) for packages in (before, now))
    words = []
    for name in sorted({*old, *new}):
        if name not in new:
            words.append(f"{name} is gone")
        elif name not in old:
            words.append(f"{name} {new[name]} was not there")
        elif old[name] != new[name]:
            words.append(f"{name} {old[name]} is {new[name]} now")
    return words
