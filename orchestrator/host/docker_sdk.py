"""The Docker SDK for Python. Only this module imports it, and only when it is used: `docker_sdk().errors.NotFound`.

It takes a third of a second to import, and most commands do without.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from orchestrator import extras


def docker_sdk() -> Any:
    """The package `docker`, with the submodules that are used here. Raises Lacking if it is not installed."""
    with extras.needed("docker"):
        import docker.auth
        import docker.credentials
        import docker.errors
        import docker.tls
        import docker.types
        import docker.utils
    return docker


class ListedImage(NamedTuple):
    """An image as the engine lists it."""

    id: str
    tags: list[str]
    labels: dict[str, str]


def listed_images(client: Any, filters: dict[str, Any] | None = None) -> list[ListedImage]:
    """The engine's images, of one answer; `filters` are those of the engine's API.

    `client.images.list()` asks once more for each image, and fails if one was removed meanwhile.
    """
    return [_listed(image) for image in client.api.images(filters=filters)]


def _listed(image: dict[str, Any]) -> ListedImage:
    tags = [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"]
    return ListedImage(image["Id"], tags, image.get("Labels") or {})


def connection_errors() -> tuple[type[Exception], ...]:
    """What a request raises whose engine has gone away, or has sent half an answer."""
    import urllib3.exceptions

    return (OSError, urllib3.exceptions.HTTPError, ValueError)


def explanation(error: BaseException) -> str:
    """The engine's own words in an error of the SDK, else the error's."""
    return str(getattr(error, "explanation", None) or error)
