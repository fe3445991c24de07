"""The Docker SDK for Python. Only this module imports it, and only when it is used: `docker_sdk().errors.NotFound`.

It takes a third of a second to import, and most commands do without.
"""

from __future__ import annotations

from typing import Any

from orchestrator.errors import HostError


def docker_sdk() -> Any:
    """The package `docker`, with the submodules that are used here. Raises HostError if it is not installed."""
    try:
        import docker.auth
        import docker.credentials
        import docker.errors
        import docker.tls
        import docker.types
        import docker.utils
    except ImportError as error:  # a folder called docker, which Python takes for a package, has no submodules
        raise HostError("the Docker SDK for Python is not installed", "pip install docker") from error
    return docker


def connection_errors() -> tuple[type[Exception], ...]:
    """What a request raises whose engine has gone away, or has sent half an answer."""
    import urllib3.exceptions

    return (OSError, urllib3.exceptions.HTTPError, ValueError)


def explanation(error: BaseException) -> str:
    """The engine's own words in an error of the SDK, else the error's."""
    return str(getattr(error, "explanation", None) or error)
