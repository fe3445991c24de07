"""What an image build is sent: the files of its context and its build arguments.

The context is made here, not taken from docker/ as it lies: it holds exactly what the Dockerfile copies, with
fixed owners and times (so that the engine's layer cache hits), and what only this host knows: its CA bundle
and wheels in a local folder, neither of which a build could reach otherwise.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Literal
from urllib.parse import unquote, urlsplit

from orchestrator.catalog import Catalog
from orchestrator.errors import UserError
from orchestrator.model import DeviceKind, Noun, Stack

Say = Callable[[str], None]

CA_BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
PYTHON2_TOOLS = "python2-tools.txt"


class BuildSettings(Noun, frozen=True, kw_only=True):
    """How images are built on this host. None takes the environment variable that pip itself would read."""

    base_mode: Literal["auto", "pull", "bootstrap"] = "auto"
    #: Another base image instead of the pinned one; overrides `base_mode`.
    base_image: str | None = None
    #: PEM file of certificate authorities that the build needs; never part of the image.
    ca_bundle: str | None = None
    debian_mirror: str | None = None
    #: Where CUDA files come from instead of the routes of cuda.yaml: a folder, an image, routes by name.
    cuda_dir: str | None = None
    cuda_base: str | None = None
    cuda_routes: list[str] = []
    #: GPU images without CUDA files: for the backends that bring their own.
    without_cuda: bool = False
    pip_index_url: str | None = None
    pip_extra_index_url: str | None = None
    pip_find_links: str | None = None
    pip_trusted_host: str | None = None
    #: Build every step anew, and even if an image of the same recipe is there.
    no_cache: bool = False
    #: Where the whole output of each build is kept; None is the user's cache folder.
    log_dir: str | None = None


def lock_files(stack: Stack, device: DeviceKind) -> list[str]:
    """The locks that the image is made from, below docker/requirements/."""
    tools = [PYTHON2_TOOLS] if stack.python.startswith("2.") else []
    return [f"{stack.name}-{device}.txt", *tools]


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
    """What only this host has: its CA bundle and wheels of the lock in local folders; and pip's other places."""
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
    """The CA bundle and who named it. Raises UserError if there is no such PEM file."""
    named = {"--ca-bundle": given} if given else {f"${name}": environ.get(name) for name in CA_BUNDLE_VARIABLES}
    source, value = next(((name, value) for name, value in named.items() if value), ("", ""))
    if not value:
        return None
    path = Path(value).expanduser()
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


def local_folder(place: str) -> Path | None:
    """The folder that a find-links entry means, or None for an address elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(place).expanduser()


def locked_wheels(folders: Iterable[Path], lock: str) -> list[Path]:
    """The wheels in these folders that the lock names and whose hash it knows."""
    pins = {(normal(name), version) for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)}
    wheels = [wheel for folder in folders for wheel in sorted(folder.glob("*.whl"))]
    return [wheel for wheel in wheels if wheel_pin(wheel) in pins and file_sha256(wheel) in lock]


def wheel_pin(wheel: Path) -> tuple[str, str]:
    name, version, *_ = f"{unquote(wheel.name)}-".split("-")
    return normal(name), version


def normal(name: str) -> str:
    """A project's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(2**20):
            digest.update(chunk)
        return digest.hexdigest()


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
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info
