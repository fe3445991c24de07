"""How images are built on this host: base image, package index, proxies, CA certificates, sources of CUDA files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from orchestrator.errors import UserError
from orchestrator.model import Noun

CA_BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


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
