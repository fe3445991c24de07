"""Makes the input of an image build: the files of its context, and its build arguments.

The context is made here rather than from all of docker/: it holds exactly what the Dockerfile copies, with fixed owners
and times (so that the engine's layer cache hits), and what only this host has: its CA bundle and wheels in a local
folder, which a build could not reach otherwise.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from orchestrator.environment import PROXIES
from orchestrator.errors import UserError
from orchestrator.model import DeviceKind, Say, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import indexes
from orchestrator.stacks.indexes import Named, Sources
from orchestrator.stacks.locks import local_folder, lock_files, locked_wheels
from orchestrator.text import public


def recipe_sha256(catalog: Catalog, stack: Stack, device: DeviceKind, dockerfile: str) -> str:
    """Hash over the Dockerfile and its locks: what decides the image's content."""
    digest = hashlib.sha256(dockerfile.encode())
    for path in lock_files(stack, device, catalog.docker_dir).values():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def context_files(catalog: Catalog, stack: Stack, device: DeviceKind) -> dict[str, Path]:
    """The files of the context that every host has, by path inside it."""
    return {f"requirements/{name}": path for name, path in lock_files(stack, device, catalog.docker_dir).items()}


def cuda_context(catalog: Catalog, version: str, files: Mapping[str, Path]) -> dict[str, Path]:
    """The context's CUDA files, by path inside it; CUDA.md makes its COPY work where there are none."""
    own = {f"cuda/{version}/{name}": path for name, path in files.items()}
    return {"CUDA.md": catalog.docker_dir / "CUDA.md", **own} if own else {}


def sources_of_build(settings: BuildSettings, sources: Sources) -> Sources:
    """What the settings of a build say on top of the environment. Raises UserError for what no build can reach."""
    mirror = settings.debian_mirror or ""
    if public(mirror) != mirror:
        raise UserError(
            f"an image cannot be built with an account for the mirror {public(mirror)}: it would stay in the image",
            "name a mirror without one; a proxy may have an account (http_proxy), and leaves no trace",
        )
    sources = indexes.with_options(sources, settings.pip_index_url, settings.ca_bundle)
    if settings.pip_find_links:
        places = settings.pip_find_links.split()
        folders = [folder for place in places if (folder := local_folder(place))]
        pages = [Named(place, "find-links") for place in places if not local_folder(place)]
        sources = replace(sources, folders=folders, pages=pages)
    if settings.pip_extra_index_url:
        extra = [Named(url, "PIP_EXTRA_INDEX_URL") for url in settings.pip_extra_index_url.split()]
        sources = replace(sources, extra=extra)
    if settings.pip_trusted_host:
        sources = replace(sources, trusted=[Named(host, "trusted-host") for host in settings.pip_trusted_host.split()])
    local = sources.index if sources.index and indexes.is_local(sources.index.value) else None
    for named in (local, sources.no_index, sources.client_cert):
        if named:
            raise UserError(
                f"an image cannot be built with {named.words}: a build reaches no folder of this host and gets no key",
                "unset it, and name an index with --pip-index-url; or take images from a file: `orchestrate images`",
            )
    lost = [each for each in sources.extra if indexes.is_local(each.value)]
    reached = [each for each in sources.extra if each not in lost]
    notes = [f"{each.words} is a folder of this host: no build reaches it" for each in lost]
    return replace(sources, extra=reached, notes=[*sources.notes, *notes])


def host_files(sources: Sources, lock: str, say: Say) -> dict[str, Path]:
    """The files of this host for the context: CA bundle, wheels of the lock in local folders."""
    files: dict[str, Path] = {}
    if sources.cert:
        files["ca-bundle.crt"] = indexes.ca_bundle(sources.cert)
        say(f"CA certificates of the build: {files['ca-bundle.crt']} ({sources.cert.by})")
    for wheel in locked_wheels(sources.folders, lock):
        files[f"wheels/{wheel.name}"] = wheel
        say(f"{wheel.name} comes from {wheel.parent}")
    return files


def build_arguments(
    settings: BuildSettings,
    sources: Sources,
    environ: Mapping[str, str],
    base: str,
    own: Sequence[str] = (),
    default: str | None = None,
) -> dict[str, str]:
    """Build arguments: the base, Debian's mirror, pip's places, and the host's proxies.

    `own`: the stack's own index, where it is needed; `default`: the one that its Dockerfile names.
    """
    pip = indexes.for_pip(replace(sources, folders=[]), own, {})
    names = ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST")
    arguments = {"BASE_IMAGE": base, "DEBIAN_MIRROR": settings.debian_mirror, **{name: pip.get(name) for name in names}}
    for name, value in proxies(sources, environ).items():  # apt reads the small spelling only
        arguments |= {name.lower(): value, name: value}
    found = {name: value for name, value in arguments.items() if value}
    further = pip.get("PIP_EXTRA_INDEX_URL", "")
    return found if further == (default or "") else {**found, "PIP_EXTRA_INDEX_URL": further}


def proxies(sources: Sources, environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies of a build; pip's own comes first, and ALL_PROXY stands in where there is none for a protocol."""
    found = {name: environ.get(name.lower()) or environ.get(name, "") for name in PROXIES}
    anything, by_pip = found.pop("ALL_PROXY"), sources.proxy.value if sources.proxy else ""
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        found[name] = by_pip or found[name] or anything
    return {name: value for name, value in found.items() if value}


def write_context(stream: IO[bytes], dockerfile: str, files: Mapping[str, Path]) -> None:
    """Write the context as a tar archive; the Dockerfile is called Dockerfile."""
    with tarfile.open(fileobj=stream, mode="w") as archive:
        content = dockerfile.encode()
        archive.addfile(entry("Dockerfile", len(content)), BytesIO(content))
        for name, path in sorted(files.items()):
            with path.open("rb") as source:
                archive.addfile(entry(name, path.stat().st_size), source)


def entry(name: str, size: int) -> tarfile.TarInfo:
    """A member with fixed owner and time, so that the same content gives the same archive."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info
