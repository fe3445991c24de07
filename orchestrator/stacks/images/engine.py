"""Connects to the Docker engine, and reads what it knows of an image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import HostError
from orchestrator.files import home_folder
from orchestrator.host.credentials import forgive_helpers
from orchestrator.host.docker_sdk import docker_sdk
from orchestrator.host.engine_address import Address, engine_address, explain_silence
from orchestrator.model import Noun

RECIPE_LABEL = "org.keras-orchestrate.recipe-sha256"
BASE_LABEL = "org.opencontainers.image.base.name"
#: Names of backends that are installed but cannot work, because the image lacks their CUDA files.
UNUSABLE_LABEL = "org.keras-orchestrate.unusable-backends"


class ImageInfo(Noun, frozen=True, kw_only=True):
    """An image on the engine. `created` is ISO 8601; `dockerfile_sha256` covers the Dockerfile and its locks."""

    id: str
    created: str
    size_mb: int
    dockerfile_sha256: str | None = None
    base: str | None = None
    #: Backends that this image cannot serve, because it was built without CUDA files.
    unusable: list[str] = []


def connect() -> Any:
    """A client of the engine that is meant: by DOCKER_HOST, by a context, else this machine's.

    Raises HostError that tells apart: no SDK, no engine, an engine that is not running, no permission; UserError for a
    context that is not there.
    """
    docker = docker_sdk()
    address = engine_address(os.environ, _home())
    try:
        client = docker.DockerClient(base_url=address.host, tls=_tls(address), version=None)
        client.ping()
    except Exception as error:  # the SDK raises whatever an odd address makes it raise: OverflowError, InvalidURL, ...
        raise HostError(*explain_silence(str(error), address)) from error
    forgive_helpers(client)
    return client


def _home() -> Path:
    """Where docker's own settings may lie; a user without a home has none."""
    try:
        return home_folder()
    except HostError:
        return Path("/")


def _tls(address: Address) -> Any:
    if address.tls is None:
        return False
    authority, certificate = address.tls.authority, address.tls.certificate
    return docker_sdk().tls.TLSConfig(client_cert=certificate, ca_cert=authority, verify=address.tls.verify)


def inspect(client: Any, name: str) -> ImageInfo | None:
    """The image called `name`, or None if the engine has none."""
    image = _get(client, name)
    return image and info_of({**image.attrs, "Id": image.id, "Config": {"Labels": image.labels}})


def has_image(client: Any, reference: str) -> bool:
    """Whether the engine holds this image."""
    return _get(client, reference) is not None


def _get(client: Any, name: str) -> Any:
    try:
        return client.images.get(name)
    except docker_sdk().errors.ImageNotFound:
        return None


def info_of(attributes: Mapping[str, Any]) -> ImageInfo:
    """The image that an engine's `image inspect` describes."""
    labels = (attributes.get("Config") or {}).get("Labels") or {}
    return ImageInfo(
        id=attributes["Id"],
        created=attributes["Created"],
        size_mb=round(attributes["Size"] / 1e6),
        dockerfile_sha256=labels.get(RECIPE_LABEL),
        base=labels.get(BASE_LABEL),
        unusable=[name for name in labels.get(UNUSABLE_LABEL, "").split(",") if name],
    )


class Engine:
    """The Docker engine of one run: connected to when it is first needed, and only once, whether it answers or not."""

    def __init__(self) -> None:
        self._client: Any = None
        self._error: HostError | None = None

    def client(self) -> Any:
        """The client. Raises HostError where no engine answers."""
        if self._error is not None:
            raise self._error
        if self._client is None:
            try:
                self._client = connect()
            except HostError as error:
                self._error = error
                raise
        return self._client
