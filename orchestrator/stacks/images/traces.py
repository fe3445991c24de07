"""Removes what a build with a secret address leaves in the engine's cache.

An argument of a build stays in the history of every layer that it was given to. No such layer is part of a stack's
image, which has the packages only, but the engine keeps those of the build stage as its cache, for whoever may ask it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from orchestrator.environment import PROXIES
from orchestrator.host.docker_sdk import docker_sdk
from orchestrator.text import public


def secrets_in(arguments: Mapping[str, str]) -> set[str]:
    """The arguments of a build that must not stay. The engine itself keeps proxies out of all histories."""
    kept = {name: value for name, value in arguments.items() if name.upper() not in PROXIES}
    return {value for value in kept.values() if public(value) != value}


@contextmanager
def removed(client: Any, arguments: Mapping[str, str]) -> Iterator[None]:
    """However the build in this block ends, no nameless layer of it remains that tells a secret."""
    secrets = secrets_in(arguments)
    before = _all(client) if secrets else set()
    try:
        yield
    finally:
        if secrets:
            _remove(client, before, secrets)


def _remove(client: Any, before: set[str], secrets: set[str]) -> None:
    errors = docker_sdk().errors
    telling = [image for image in sorted(_all(client) - before) if _tells(client, image, secrets)]
    while telling:  # one that others are made from goes after them
        rest = []
        for image in telling:
            try:
                client.api.remove_image(image)
            except errors.ImageNotFound:
                continue
            except errors.APIError:
                rest.append(image)
        if len(rest) == len(telling):
            return
        telling = rest


def _all(client: Any) -> set[str]:
    return set(client.api.images(all=True, quiet=True))


def _tells(client: Any, image: str, secrets: set[str]) -> bool:
    with contextlib.suppress(docker_sdk().errors.APIError):
        steps = [str(step.get("CreatedBy", "")) for step in client.api.history(image)]
        return any(secret in step for secret in secrets for step in steps)
    return False
