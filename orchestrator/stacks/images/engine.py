"""Connects to the Docker engine, and reads what it knows of an image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from orchestrator.errors import HostError
from orchestrator.host.docker_sdk import docker_sdk
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
    """A client of the Docker engine that DOCKER_HOST names, else of this machine's.

    Raises HostError that tells apart: no SDK, no engine, an engine that is not running, no permission.
    """
    docker = docker_sdk()
    try:
        client = docker.from_env()
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise HostError(*explain_no_engine(str(error), os.environ.get("DOCKER_HOST"))) from error
    return client


def explain_no_engine(text: str, host: str | None) -> tuple[str, str]:
    """Message and hint for an engine that does not answer."""
    place = host or "/var/run/docker.sock"
    if "Permission" in text:
        return (
            f"no permission to use the Docker engine at {place}",
            "Add yourself to its group (sudo usermod -aG docker $USER) and log in again.",
        )
    if host:
        return (
            f"no Docker engine answers at DOCKER_HOST={host}",
            "Correct or unset DOCKER_HOST. (" + text + ")",
        )
    if "FileNotFound" in text or "No such file" in text:
        return (
            f"no Docker engine here: {place} is not there",
            "Install and start one (https://docs.docker.com/engine/install/); for an engine elsewhere, or a rootless "
            "one, set DOCKER_HOST to what `docker context inspect` shows.",
        )
    if "refused" in text:
        return f"the Docker engine at {place} is not running", "Start it: sudo systemctl start docker."
    return f"the Docker engine at {place} does not answer: {text}", "Try `docker version`."


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
