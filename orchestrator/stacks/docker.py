"""Stacks as images on a Docker engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator import __version__
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.files import flush_to_disk
from orchestrator.launchers import sweep
from orchestrator.launchers.container import Image
from orchestrator.launchers.docker import DockerLauncher
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.model import DeviceKind, Say, Stack, Unavailable, image_name
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images import engine
from orchestrator.stacks.provisioner import failed, format_error, without_cuda


class DockerProvisioner:
    """Images on a Docker engine."""

    name = "docker"

    def __init__(self, client: Any, catalog: Catalog, settings: BuildSettings, build: bool, say: Say) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._build = build
        self._say = say
        self._images: dict[str, Image] = {}

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        sweep.remove_orphans(self._client, self._say)
        missing: list[Unavailable] = []
        made = False
        for stack in stacks:
            try:
                self._images[stack.name], lacking, new = self._ready(stack, device)
                missing += lacking
                made |= new
            except OrchestrateError as error:
                self._say(format_error(stack, error))
                missing.append(failed(stack, "image", error))
        if made:
            flush_to_disk()
        return missing

    def launcher(self, context: RunContext) -> Launcher:
        return DockerLauncher(self._client, context, self._images)

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the images for granted, by their names: for plans."""
        names = {stack.name: image_name(stack.name, device, __version__) for stack in stacks}
        self._images = {stack: Image(name=name, digest=name) for stack, name in names.items()}

    def _ready(self, stack: Stack, device: DeviceKind) -> tuple[Image, list[Unavailable], bool]:
        """Its image, what the image cannot serve, and whether it was built just now."""
        name = image_name(stack.name, device, __version__)
        built = None
        if self._build:
            built = image_build.build(self._client, stack, device, self._catalog, self._settings, self._say)
        info = engine.inspect(self._client, name)
        if info is None:
            raise HostError(f"{name} is missing; `orchestrate build --stack {stack.name}` makes it")
        if built:
            took = "up to date" if built.reused else f"built in {built.seconds:.0f} s"
            self._say(f"{name}: {info.size_mb} MB, {took}")
        image = Image(name=name, digest=info.id, dockerfile_sha256=info.dockerfile_sha256)
        lacking = [without_cuda(stack, backend, device) for backend in info.unusable]
        return image, lacking, built is not None and not built.reused
