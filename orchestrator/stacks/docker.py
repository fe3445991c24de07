"""Stacks as images on a Docker engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrator import __version__
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.files import flush_to_disk
from orchestrator.launchers import job_user, sweep
from orchestrator.launchers.docker import DockerLauncher
from orchestrator.launchers.job_user import JobUser
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.launchers.runtimes import Point
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.trial import start
from orchestrator.launchers.trial.judge import Ran
from orchestrator.model import Device, DeviceKind, Stack, Unavailable
from orchestrator.stacks.expected import expected, in_words
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images import engine
from orchestrator.stacks.images.recipe import plain
from orchestrator.stacks.provisioner import ImageProvisioner


class DockerProvisioner(ImageProvisioner):
    """Images on a Docker engine."""

    name = "docker"
    #: Whether an image was built that may not be on the disk yet.
    _built = False
    _user: JobUser | None = None

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        self._ask()
        sweep.remove_orphans(self._client, self._say)
        self._built = False
        self._foretell(stacks, device)
        missing = super().prepare(stacks, device)
        if self._built:
            flush_to_disk()
        return missing

    def _foretell(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Says what the images take that are about to be made."""
        ours = [stack for stack in stacks if self._build and not stack.found and device in stack.images]
        there = {stack.name for stack in ours if self._is_current(stack, device)}
        missing = [stack for stack in ours if stack.name not in there]
        if missing:
            self._say(in_words(expected(missing, [stack for stack in ours if stack.name in there], device)))

    def _is_current(self, stack: Stack, device: DeviceKind) -> bool:
        present = engine.inspect(self._client, stack.image(device, __version__))
        try:
            recipe = plain(self._catalog, stack, device)
        except OrchestrateError:  # which is said when it is to be made
            return True
        return present is not None and image_build.is_current(present, recipe, self._settings)

    def trial(self, context: RunContext, device: Device, out: Path) -> dict[Point, str] | None:
        self._ask()
        return super().trial(context, device, out)

    def launcher(self, context: RunContext) -> Launcher:
        return DockerLauncher(self._client, self._fitted(context), self._images)

    def _fitted(self, context: RunContext) -> RunContext:
        """With the user that this engine's jobs need, once it was asked."""
        return msgspec.structs.replace(context, user=self._user)

    def _ask(self) -> None:
        self._user = job_user.on_engine(self._client.info(), os.getuid(), os.getgid())

    def _digest(self, name: str) -> str | None:
        found = engine.inspect(self._client, name)
        return found.id if found else None

    def _try(self, spec: ContainerSpec) -> Ran:
        return start.on_engine(self._client, spec)

    def _ready(self, stack: Stack, device: DeviceKind, name: str) -> tuple[engine.ImageInfo, str | None]:
        built = self._was_made(stack)
        info = engine.inspect(self._client, name)
        if info is None:
            way = f"docker pull {name}" if stack.found else f"orchestrate build --stack {stack.name}"
            raise HostError(f"{name} is missing; `{way}` makes it")
        if built and built.reused:
            self._say(f"{name}: {info.size_mb} MB, up to date")
        self._built |= built is not None and not built.reused
        return info, None
