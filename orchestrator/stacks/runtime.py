"""Stacks as images of another container runtime (podman, apptainer, pyxis, or the user's own)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import HostError
from orchestrator.files import cache_folder
from orchestrator.launchers import runtimes
from orchestrator.launchers.command import CommandLauncher
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.launchers.runtimes import Point, Runtime
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.sweep import remove_runtime_orphans
from orchestrator.launchers.trial import start
from orchestrator.launchers.trial.judge import Ran
from orchestrator.model import Device, DeviceKind, Say, Stack, Unavailable
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import runtime_images
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import engine
from orchestrator.stacks.provisioner import ImageProvisioner


class RuntimeProvisioner(ImageProvisioner):
    """Images of a runtime's own; those of a Docker engine are handed over, where one answers.

    `name` is what was asked for, a runtime's name or its file; `client` may be None.
    """

    def __init__(
        self, name: str, client: Any, catalog: Catalog, settings: BuildSettings, build: bool, say: Say
    ) -> None:
        super().__init__(client, catalog, settings, build, say)
        self.runtime: Runtime = runtimes.adapted(runtimes.load(name), root=os.getuid() == 0)
        self.name = name if name in runtimes.NAMES else str(Path(name).absolute())

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        if not self.runtime.tried:
            self._say(f"{self.runtime.name} was written from its documentation and never tried: docs/RUNTIMES.md")
        remove_runtime_orphans(self.runtime, self._say)
        return super().prepare(stacks, device)

    def trial(self, context: RunContext, device: Device, out: Path) -> dict[Point, str] | None:
        if self.runtime.images.store == "files":  # these were never tried by us, and have no bounds to look for
            return {}
        found = super().trial(context, device, out)
        known = {*self.runtime.lacks}
        return found and {point: why for point, why in found.items() if point not in known}

    def launcher(self, context: RunContext) -> Launcher:
        return CommandLauncher(self.runtime, context, self._images, cache_folder() / "compiled")

    def _digest(self, name: str) -> str | None:
        there = runtime_images.find(self.runtime, name, runtime_images.image_folder(self.runtime))
        return there.info.id if there else None

    def _try(self, spec: ContainerSpec) -> Ran:
        return start.by_command(self.runtime, spec)

    def _ready(self, stack: Stack, device: DeviceKind, name: str) -> tuple[engine.ImageInfo, str | None]:
        folder = runtime_images.image_folder(self.runtime)
        there = runtime_images.find(self.runtime, name, folder)
        newest = self._on_engine(stack, device, name)
        if newest and (there is None or not image_archive.same(there.info, newest)):
            self._say(f"giving {name} ({newest.size_mb} MB) to {self.runtime.name}")
            runtime_images.put_from_engine(self.runtime, self._client, name, newest, folder)
            there = runtime_images.find(self.runtime, name, folder)
        if there is None:
            raise HostError(
                f"{self.runtime.name} has no image {name}",
                f"`orchestrate images load FILE --launcher {self.name}` takes it from a file that `orchestrate images "
                "save` wrote; or start a Docker engine here, which builds it and hands it over",
            )
        return there.info, there.file

    def _on_engine(self, stack: Stack, device: DeviceKind, name: str) -> engine.ImageInfo | None:
        """The Docker engine's image, built where that is wanted; None without an engine."""
        if self._client is None:
            return None
        self._was_made(stack)
        return engine.inspect(self._client, name)
