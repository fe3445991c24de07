"""Stacks as images of another container runtime (podman, apptainer, pyxis, or the user's own)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.files import cache_folder
from orchestrator.launchers import runtimes
from orchestrator.launchers.command import CommandLauncher
from orchestrator.launchers.container import Image
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.launchers.runtimes import Runtime
from orchestrator.launchers.sweep import remove_runtime_orphans
from orchestrator.model import DeviceKind, Say, Stack, Unavailable, image_name
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import runtime_images
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images import engine
from orchestrator.stacks.provisioner import failed, format_error, without_cuda


class RuntimeProvisioner:
    """Images of a runtime's own; those of a Docker engine are handed over, where one answers.

    `name` is what was asked for, a runtime's name or its file; `client` may be None.
    """

    def __init__(
        self,
        name: str,
        client: Any,
        catalog: Catalog,
        settings: BuildSettings,
        build: bool,
        say: Say,
    ) -> None:
        self.runtime: Runtime = runtimes.adapted(runtimes.load(name), root=os.getuid() == 0)
        self.name = name if name in runtimes.NAMES else str(Path(name).absolute())
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._build = build
        self._say = say
        self._images: dict[str, Image] = {}

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        if not self.runtime.tried:
            self._say(f"{self.runtime.name} was written from its documentation and never tried: docs/RUNTIMES.md")
        remove_runtime_orphans(self.runtime, self._say)
        missing: list[Unavailable] = []
        for stack in stacks:
            try:
                info = self._ready(stack, device)
                missing += [without_cuda(stack, backend, device) for backend in info.unusable]
            except OrchestrateError as error:
                self._say(format_error(stack, error))
                missing.append(failed(stack, "image", error))
        return missing

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the images for granted, by their names: for plans."""
        for stack in stacks:
            name = image_name(stack.name, device, __version__)
            self._images[stack.name] = Image(name=name, digest=name)

    def launcher(self, context: RunContext) -> Launcher:
        return CommandLauncher(self.runtime, context, self._images, cache_folder() / "compiled")

    def _ready(self, stack: Stack, device: DeviceKind) -> engine.ImageInfo:
        name = image_name(stack.name, device, __version__)
        there = runtime_images.find(self.runtime, name, runtime_images.image_folder(self.runtime))
        newest = self._on_engine(stack, device, name)
        if newest and (there is None or not image_archive.same(there.info, newest)):
            self._say(f"giving {name} ({newest.size_mb} MB) to {self.runtime.name}")
            folder = runtime_images.image_folder(self.runtime)
            runtime_images.put_from_engine(self.runtime, self._client, name, newest, folder)
            there = runtime_images.find(self.runtime, name, folder)
        if there is None:
            raise HostError(
                f"{self.runtime.name} has no image {name}",
                f"`orchestrate images load FILE --launcher {self.name}` takes it from a file that `orchestrate images "
                "save` wrote; or start a Docker engine here, which builds it and hands it over",
            )
        info = there.info
        self._images[stack.name] = Image(
            name=name, digest=info.id, dockerfile_sha256=info.dockerfile_sha256, file=there.file
        )
        return info

    def _on_engine(self, stack: Stack, device: DeviceKind, name: str) -> engine.ImageInfo | None:
        """The Docker engine's image, built where that is wanted; None without an engine."""
        if self._client is None:
            return None
        if self._build:
            image_build.build(self._client, stack, device, self._catalog, self._settings, self._say)
        return engine.inspect(self._client, name)
