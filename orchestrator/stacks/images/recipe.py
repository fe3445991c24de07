"""Chooses the recipe of an image: full if its CUDA files were found, else for backends whose wheels contain CUDA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from orchestrator import __version__
from orchestrator.errors import HostError, UserError
from orchestrator.model import DeviceKind, Noun, Say, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images.context import context_files, cuda_context, recipe_sha256
from orchestrator.stacks.images.dockerfile import render_dockerfile
from orchestrator.stacks.images.engine import UNUSABLE_LABEL, ImageInfo

#: Which route gave which CUDA files.
CUDA_LABEL = "org.keras-orchestrate.cuda-routes"


class Recipe(Noun, frozen=True, kw_only=True):
    """All that an image is made from: a Dockerfile, the files of its context, and labels.

    `sha256` covers the Dockerfile and its locks.
    """

    dockerfile: str
    sha256: str
    files: dict[str, Path]
    labels: dict[str, str] = {}


def plain(catalog: Catalog, stack: Stack, device: DeviceKind, without_cuda: bool = False) -> Recipe:
    """The recipe of one image, before anyone looked for CUDA files."""
    dockerfile = render_dockerfile(catalog, stack, device, __version__, without_cuda)
    unusable = needing_cuda(stack) if without_cuda else []
    return Recipe(
        dockerfile=dockerfile,
        sha256=recipe_sha256(catalog, stack, device, dockerfile),
        files=context_files(catalog, stack, device),
        labels={UNUSABLE_LABEL: ",".join(unusable)} if unusable else {},
    )


def refuse_other(info: ImageInfo, catalog: Catalog, stack: Stack, device: DeviceKind) -> None:
    """Raises HostError where an image is not that of this stack: of two files, each of which may name it so."""
    if info.dockerfile_sha256 != plain(catalog, stack, device).sha256:
        raise HostError(f"the image that is there is of another lock than {stack.name}'s", "leave --no-build out")


def choose(
    client: Any, stack: Stack, device: DeviceKind, catalog: Catalog, settings: BuildSettings, say: Say
) -> Recipe:
    """The recipe that this host can build. Raises HostError where no backend could be used."""
    whole = plain(catalog, stack, device)
    variant = stack.images[device]
    if not variant.cuda:
        return whole
    serves = [backend.name for backend in stack.backends if backend.own_cuda]
    if settings.without_cuda:
        if not serves:
            raise UserError(
                f"no backend of {stack.name} brings its own CUDA, so there is no image of it without CUDA files",
                "Leave the stack out, or --without-cuda.",
            )
        return plain(catalog, stack, device, without_cuda=True)
    from orchestrator.stacks.cuda import find as cuda_files  # only few images need any, and HTTP comes along

    try:
        found = cuda_files.find(client, stack, device, catalog, settings, say)
    except HostError as error:
        if not serves:
            raise
        say(error.message)
        say(f"Building {stack.name} for {', '.join(serves)} only. {error.hint}")
        return plain(catalog, stack, device, without_cuda=True)
    files = {name: file.path for name, file in found.items()}
    return msgspec.structs.replace(
        whole,
        files={**whole.files, **cuda_context(catalog, str(variant.cuda_version), files)},
        labels={CUDA_LABEL: cuda_files.routes_used(found)},
    )


def needing_cuda(stack: Stack) -> list[str]:
    """The backends whose wheels do not contain CUDA."""
    return [backend.name for backend in stack.backends if not backend.own_cuda]
