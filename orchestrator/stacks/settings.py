"""Settings of image builds on this host: base image, package index, CA certificates, sources of CUDA files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import UserError

CA_BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def choose_ca_bundle(given: str | None, environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """The CA bundle, and the option or variable that names it. Raises UserError if there is no such PEM file."""
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
