"""Where the stacks live on this host: as images of an engine, or as virtual environments.

A site makes its stacks ready, says which it cannot have and why, and gives the launcher that runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from orchestrator import __version__, command_site, images, runtimes, storage, venvs
from orchestrator.catalog import Catalog
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.launchers import leftovers
from orchestrator.launchers.containers import Image
from orchestrator.launchers.docker import DockerLauncher
from orchestrator.launchers.process import Interpreter, ProcessLauncher, ProcessSuite
from orchestrator.model import DeviceKind, Stack
from orchestrator.order import Order, container_suite
from orchestrator.seams import Launcher
from orchestrator.troubles import Trouble, told, without_cuda

Say = Callable[[str], None]


class Site(Protocol):
    name: str

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> dict[str, Trouble]:
        """Makes the stacks ready; what stands in the way of the others, by stack or by "<stack>.<backend>"."""
        ...

    def launcher(self, order: Order) -> Launcher: ...


class DockerSite:
    """Images on a Docker engine."""

    name = "docker"

    def __init__(self, client: Any, catalog: Catalog, settings: images.BuildSettings, build: bool, say: Say) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._build = build
        self._say = say
        self._images: dict[str, Image] = {}

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> dict[str, Trouble]:
        leftovers.sweep(self._client, self._say)
        troubles: dict[str, Trouble] = {}
        made = False
        for stack in stacks:
            try:
                self._images[stack.name], lacking, new = self._ready(stack, device)
                troubles |= lacking
                made |= new
            except OrchestrateError as error:
                self._say(told(stack, error))
                troubles[stack.name] = Trouble(status="failed", reason=f"image: {error.message}")
        if made:
            storage.settle()
        return troubles

    def launcher(self, order: Order) -> Launcher:
        return DockerLauncher(self._client, container_suite(order, self._catalog, self._images))

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the images for granted, by their names: for plans."""
        names = {stack.name: images.image_name(stack.name, device, __version__) for stack in stacks}
        self._images = {stack: Image(name=name, digest=name) for stack, name in names.items()}

    def _ready(self, stack: Stack, device: DeviceKind) -> tuple[Image, dict[str, Trouble], bool]:
        """Its image, what the image cannot serve, and whether it was built just now."""
        name = images.image_name(stack.name, device, __version__)
        built = None
        if self._build:
            built = images.build(self._client, stack, device, self._catalog, self._settings, self._say)
        info = images.inspect(self._client, name)
        if info is None:
            raise HostError(f"{name} is missing; `orchestrate build --stack {stack.name}` makes it")
        if built:
            took = "up to date" if built.reused else f"built in {built.seconds:.0f} s"
            self._say(f"{name}: {info.size_mb} MB, {took}")
        image = Image(name=name, digest=info.id, dockerfile_sha256=info.dockerfile_sha256)
        lacking = {f"{stack.name}/{backend}": without_cuda(stack, backend, device) for backend in info.unusable}
        return image, lacking, built is not None and not built.reused


class ProcessSite:
    """Virtual environments under the caller's cache folder."""

    name = "process"

    def __init__(self, catalog: Catalog, say: Say, keras_spec: str | None = None) -> None:
        self._catalog = catalog
        self._say = say
        self._keras_spec = keras_spec
        self._interpreters: dict[str, Interpreter] = {}

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> dict[str, Trouble]:
        troubles = {}
        made = False
        for stack in stacks:
            spec = self._keras_spec if stack.era == "today" else None
            try:
                venv = venvs.ensure(stack, device, self._catalog.docker_dir, self._say, spec)
            except venvs.NoInterpreter as error:
                troubles[stack.name] = Trouble(status="unsupported", reason=f"{error.message}; {error.hint}")
            except OrchestrateError as error:
                self._say(told(stack, error))
                troubles[stack.name] = Trouble(status="failed", reason=f"environment: {error.message}")
            else:
                made |= venv.seconds > 0
                self._interpreters[stack.name] = Interpreter(
                    python=venv.python, lock_sha256=venv.lock_sha256, env=venv.env, keras_spec=spec
                )
        if made:
            storage.settle()
        return troubles

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the environments for granted, in their places: for plans."""
        for stack in stacks:
            place, digest = venvs.place(stack, device, self._catalog.docker_dir, self._keras_spec)
            self._interpreters[stack.name] = Interpreter(python=str(place / "bin" / "python"), lock_sha256=digest)

    def launcher(self, order: Order) -> Launcher:
        suite = ProcessSuite(
            workloads_dir=str(self._catalog.workloads_dir),
            stacks={stack.name: stack for stack in self._catalog.stacks},
            interpreters=self._interpreters,
            data=order.data,
            cache_dir=str(venvs.cache_root() / "compiled"),
            attempts=order.attempts,
        )
        return ProcessLauncher(suite)


def planning_launcher(wish: str, catalog: Catalog, device: DeviceKind, order: Order) -> Launcher:
    """A launcher that can only describe: nothing is asked of an engine, nothing is made ready."""

    def silent(line: str) -> None:
        pass

    settings = images.BuildSettings()
    site: DockerSite | ProcessSite | command_site.CommandSite
    if wish == "process":
        site = ProcessSite(catalog, silent)
    elif wish in ("auto", "docker"):
        site = DockerSite(None, catalog, settings, False, silent)
    else:
        site = command_site.CommandSite(wish, None, catalog, settings, False, silent)
    site.assume(catalog.stacks, device)
    return site.launcher(order)


def choose(
    wish: str, catalog: Catalog, settings: images.BuildSettings, build: bool, say: Say, keras_spec: str | None
) -> Site:
    """Docker where an engine answers, else processes; which and why is said. Raises HostError for a firm wish.

    `wish` is "auto", "docker", "process", or another container runtime, by its name or its file.
    """
    if wish == "process" or (wish == "auto" and keras_spec):
        say("launcher: process (asked for)" if wish == "process" else "launcher: process (for --keras-spec)")
        return ProcessSite(catalog, say, keras_spec)
    if keras_spec:
        raise HostError("--keras-spec works with virtual environments only", "add `--launcher process`")
    if wish not in runtimes.BASIC:
        return command_site.site(wish, catalog, settings, build, say)
    try:
        client = images.connect()
    except HostError as error:
        if wish == "docker":
            raise
        say(f"launcher: process, since no engine answers ({error.message})")
        return ProcessSite(catalog, say)
    say("launcher: docker")
    return DockerSite(client, catalog, settings, build, say)
