"""Makes the input of an image build: the files of its context, and its build arguments.

The context is made here rather than from all of docker/: it holds exactly what the Dockerfile copies, with fixed owners
and times (so that the engine's layer cache hits), and what only this host has: its CA bundle and wheels in a local
folder, which a build could not reach otherwise.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

from orchestrator.errors import UserError
from orchestrator.files import expanded
from orchestrator.model import DeviceKind, Say, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.locks import local_folder, lock_files, locked_wheels

#: pip's, in its own order.
CA_BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


def recipe_sha256(catalog: Catalog, stack: Stack, device: DeviceKind, dockerfile: str) -> str:
    """Hash over the Dockerfile and its locks: what decides the image's content."""
    digest = hashlib.sha256(dockerfile.encode())
    for name in lock_files(stack, device):
        digest.update((catalog.docker_dir / "requirements" / name).read_bytes())
    return digest.hexdigest()


def context_files(catalog: Catalog, stack: Stack, device: DeviceKind) -> dict[str, Path]:
    """The files of the context that every host has, by path inside it."""
    return {f"requirements/{name}": catalog.docker_dir / "requirements" / name for name in lock_files(stack, device)}


def cuda_context(catalog: Catalog, version: str, files: Mapping[str, Path]) -> dict[str, Path]:
    """The context's CUDA files, by path inside it; CUDA.md makes its COPY work where there are none."""
    own = {f"cuda/{version}/{name}": path for name, path in files.items()}
    return {"CUDA.md": catalog.docker_dir / "CUDA.md", **own} if own else {}


def host_files(
    settings: BuildSettings, environ: Mapping[str, str], lock: str, say: Say
) -> tuple[dict[str, Path], list[str]]:
    """(files of this host for the context: CA bundle, wheels of the lock in local folders; pip's other find-links)."""
    files: dict[str, Path] = {}
    bundle = choose_ca_bundle(settings.ca_bundle, environ)
    if bundle:
        files["ca-bundle.crt"], source = bundle
        say(f"CA certificates of the build: {files['ca-bundle.crt']} ({source})")
    places = (settings.pip_find_links or environ.get("PIP_FIND_LINKS", "")).split()
    folders = [folder for folder in map(local_folder, places) if folder]
    for wheel in locked_wheels(folders, lock):
        files[f"wheels/{wheel.name}"] = wheel
        say(f"{wheel.name} comes from {wheel.parent}")
    return files, [place for place in places if not local_folder(place)]


def choose_ca_bundle(given: str | None, environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """The CA bundle, and the option or variable that names it. Raises UserError if there is no such PEM file."""
    named = {"--ca-bundle": given} if given else {f"${name}": environ.get(name) for name in CA_BUNDLE_VARIABLES}
    source, value = next(((name, value) for name, value in named.items() if value), ("", ""))
    if not value:
        return None
    path = expanded(value)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"the CA bundle {path} ({source}) cannot be read: {error.strerror}",
            "Name a PEM file with --ca-bundle, or unset the variable.",
        ) from error
    if b"-----BEGIN CERTIFICATE-----" not in text:
        raise UserError(f"{path} ({source}) holds no PEM certificate", "Name a PEM file with --ca-bundle.")
    return path, source


def build_arguments(
    settings: BuildSettings, environ: Mapping[str, str], base: str, find_links: list[str], has_wheels: bool
) -> dict[str, str]:
    """Build arguments: the base, Debian's mirror, pip's places, and the host's proxies."""
    given = {
        "PIP_INDEX_URL": settings.pip_index_url,
        "PIP_EXTRA_INDEX_URL": settings.pip_extra_index_url,
        "PIP_TRUSTED_HOST": settings.pip_trusted_host,
    }
    arguments = {name: value or environ.get(name) for name, value in given.items()}
    arguments |= {
        "BASE_IMAGE": base,
        "DEBIAN_MIRROR": settings.debian_mirror,
        "PIP_FIND_LINKS": " ".join(find_links),
    }
    for name in PROXY_VARIABLES:  # apt reads the small spelling only, some tools the capital one
        value = environ.get(name) or environ.get(name.upper())
        arguments |= {name: value, name.upper(): value}
    arguments = {name: value for name, value in arguments.items() if value}
    if has_wheels:  # the stack's own extra index is then not needed, and perhaps not in reach
        arguments.setdefault("PIP_EXTRA_INDEX_URL", "")
    return {name: str(value) for name, value in arguments.items()}


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
