"""Where the stacks live when another container runtime than the Docker engine runs the jobs (see runtimes)."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orchestrator import __version__, image_archives, images, runtime_images, runtimes, venvs
from orchestrator.catalog import Catalog
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.launchers import leftovers
from orchestrator.launchers.command import CommandLauncher, looked_at
from orchestrator.launchers.containers import Image
from orchestrator.launchers.template import other_words
from orchestrator.model import DeviceKind, Stack
from orchestrator.order import Order, container_suite
from orchestrator.runtimes import Runtime
from orchestrator.seams import Launcher
from orchestrator.troubles import Trouble, told, without_cuda

Say = Callable[[str], None]


class CommandSite:
    """Images of a runtime's own; those of a Docker engine are handed over, where one answers.

    `name` is what was asked for, a runtime's name or its file; `client` may be None.
    """

    def __init__(
        self,
        name: str,
        client: Any,
        catalog: Catalog,
        settings: images.BuildSettings,
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

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> dict[str, Trouble]:
        if not self.runtime.tried:
            self._say(f"{self.runtime.name} was written from its documentation and never tried: docs/RUNTIMES.md")
        sweep(self.runtime, self._say)
        troubles: dict[str, Trouble] = {}
        for stack in stacks:
            try:
                info = self._ready(stack, device)
                troubles |= {f"{stack.name}/{b}": without_cuda(stack, b, device) for b in info.unusable}
            except OrchestrateError as error:
                self._say(told(stack, error))
                troubles[stack.name] = Trouble(status="failed", reason=f"image: {error.message}")
        return troubles

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the images for granted, by their names: for plans."""
        for stack in stacks:
            name = images.image_name(stack.name, device, __version__)
            self._images[stack.name] = Image(name=name, digest=name)

    def launcher(self, order: Order) -> Launcher:
        suite = container_suite(order, self._catalog, self._images)
        return CommandLauncher(self.runtime, suite, venvs.cache_root() / "compiled")

    def _ready(self, stack: Stack, device: DeviceKind) -> images.ImageInfo:
        name = images.image_name(stack.name, device, __version__)
        there = runtime_images.find(self.runtime, name, runtime_images.image_folder(self.runtime))
        newest = self._on_engine(stack, device, name)
        if newest and (there is None or not image_archives.same(there.info, newest)):
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

    def _on_engine(self, stack: Stack, device: DeviceKind, name: str) -> images.ImageInfo | None:
        """The Docker engine's image, built where that is wanted; None without an engine."""
        if self._client is None:
            return None
        if self._build:
            images.build(self._client, stack, device, self._catalog, self._settings, self._say)
        return images.inspect(self._client, name)


def site(name: str, catalog: Catalog, settings: images.BuildSettings, build: bool, say: Say) -> CommandSite:
    """The site of a runtime that can be used on this host. Raises HostError for one that cannot, UserError."""
    runtime = runtimes.load(name)
    runtimes.check_usable(runtime)
    try:
        client = images.connect()
        say(f"launcher: {runtime.name}, with the images of the Docker engine")
    except HostError as error:
        client = None
        say(f"launcher: {runtime.name}, with the images that it has (no engine answers: {error.message})")
    return CommandSite(name, client, catalog, settings, build, say)


def orphans(runtime: Runtime) -> list[tuple[str, list[str]]]:
    """(name, the command that removes it) of job containers whose orchestrator is gone."""
    if not runtime.find or not runtime.inspect:
        return []
    found = []
    for key in _lines(other_words(runtime, runtime.find)):
        for container in looked_at(other_words(runtime, runtime.inspect, name=key)):
            labels = container.get("Config", {}).get("Labels") or {}
            if not leftovers.alive(labels.get(f"{leftovers.LABEL}.owner", "")):
                name = str(container.get("Name", key)).lstrip("/")
                found.append((name, other_words(runtime, runtime.end, name=key)))
    return found


def sweep(runtime: Runtime, say: Say) -> None:
    """Removes what runs that were killed have left with this runtime, and says so."""
    for name, command in orphans(runtime):
        say(f"removing {name}, left by a run that was killed")
        _lines(command)


def _lines(argv: Sequence[str]) -> list[str]:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        answer = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return answer.stdout.split()
    return []
