"""The `Provisioner` protocol: makes stacks ready on this host and gives the launcher that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from orchestrator import __version__
from orchestrator.errors import OrchestrateError
from orchestrator.launchers.container import Image, user_of
from orchestrator.launchers.job_user import owning
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.launchers.runtimes import Point
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.trial.judge import Ran, judge, trial_spec
from orchestrator.model import Device, DeviceKind, Say, Stack, Unavailable
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.found import addition
from orchestrator.stacks.ground import Ground, of_stack
from orchestrator.stacks.images import builds
from orchestrator.stacks.images.build import BuiltImage
from orchestrator.stacks.images.engine import ImageInfo
from orchestrator.stacks.images.recipe import refuse_other
from orchestrator.stacks.venvs import Way
from orchestrator.text import one_line


class Provisioner(Protocol):
    """Makes the stacks of a run ready on this host: as images, or as virtual environments."""

    #: Value of `--launcher`; recorded, so that a resumed run uses the same one.
    name: str

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        """Makes the stacks ready. Gives what cannot be had: a whole stack, or one of its backends."""

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Assumes that the stacks exist, without looking: enough to describe commands, not to run them."""

    def trial(self, context: RunContext, device: Device, out: Path) -> dict[Point, str] | None:
        """What of a job's confinement a container gets not, which may write to `out`; None while there is no image.

        Raises HostError for what no job could run with.
        """

    def launcher(self, context: RunContext) -> Launcher:
        """The launcher that starts jobs in the stacks that were made ready."""

    def ground(self, stack: Stack, device: DeviceKind) -> Ground:
        """What a stack that was made ready or assumed has, for the packages of a file of one's own."""


def format_error(stack: Stack, error: OrchestrateError) -> str:
    """Format an error about a stack: message and, if there is one, the hint."""
    return f"{stack.name}: {error.message}" + (f"\n  -> {error.hint}" if error.hint else "")


def failed(stack: Stack, what: str, error: OrchestrateError) -> Unavailable:
    """A stack whose image or environment (`what`) could not be made. Of a long message, its begin and its end."""
    lines = error.message.splitlines()
    words = "; ".join([lines[0], *lines[max(1, len(lines) - 3) :]] if lines else [])
    return Unavailable(stack=stack.name, status="failed", reason=one_line(f"{what}: {words}", 1000))


def without_cuda(stack: Stack, backend: str, device: DeviceKind) -> Unavailable:
    """A backend that cannot run in an image that was built without CUDA files."""
    version = stack.images[device].cuda_version
    reason = f"the {device} image of {stack.name} was built without CUDA {version}, which {backend} needs"
    return Unavailable(stack=stack.name, backend=backend, status="unsupported", reason=f"{reason}; see docker/CUDA.md")


def program_of(stack: Stack) -> str | None:
    """The interpreter of an image that is not ours, to be started in place of its entry point."""
    return stack.found.program if stack.found else None


class ImageProvisioner:
    """What the provisioners of images share: each stack is one image. `client` is that of a Docker engine."""

    def __init__(self, client: Any, catalog: Catalog, settings: BuildSettings, build: bool, say: Say) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._build = build
        self._say = say
        self._images: dict[str, Image] = {}
        self._made: dict[str, builds.Made] = {}

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        if self._build and self._client is not None:
            ours = [stack for stack in stacks if not stack.found]
            self._made = builds.build_all(self._client, ours, device, self._catalog, self._settings, self._say)
        missing: list[Unavailable] = []
        for stack in stacks:
            name = stack.image(device, __version__)
            try:
                info, file = self._ready(stack, device, name)
                beside = ""
                if stack.own:
                    refuse_other(info, self._catalog, stack, device)
                if stack.found:  # whatever its labels say: it may be made from one of ours
                    info = ImageInfo(id=info.id, created=info.created, size_mb=info.size_mb)
                    beside = addition.ready(stack.found, self._way, self._say)
                self._images[stack.name] = Image(
                    name=name,
                    digest=info.id,
                    dockerfile_sha256=info.dockerfile_sha256,
                    file=file,
                    program=program_of(stack),
                    beside=beside,
                    beside_sha256=addition.sha256(stack.found.lock) if stack.found and beside else "",
                )
                missing += [without_cuda(stack, backend, device) for backend in info.unusable]
            except OrchestrateError as error:
                self._say(format_error(stack, error))
                missing.append(failed(stack, "image", error))
        return missing

    @property
    def _way(self) -> Way:
        settings = self._settings
        return Way(index=settings.pip_index_url, ca_bundle=settings.ca_bundle, may_make=self._build)

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the images for granted, by their names: for plans."""
        for stack in stacks:
            name = stack.image(device, __version__)
            self._images[stack.name] = Image(name=name, digest=name, program=program_of(stack))

    def trial(self, context: RunContext, device: Device, out: Path) -> dict[Point, str] | None:
        context = self._fitted(context)
        for stack in context.stacks.values():
            name = stack.image(device.kind, __version__)
            digest = self._digest(name)
            if digest is not None:
                spec = trial_spec(context, Image(name=name, digest=digest, program=program_of(stack)), device, out)
                with owning(out, user_of(context)):
                    return judge(context, spec, self._try(spec), out)
        return None

    def ground(self, stack: Stack, device: DeviceKind) -> Ground:
        return of_stack(stack, device, self._catalog.docker_dir)

    def _was_made(self, stack: Stack) -> BuiltImage | None:
        """The stack's image, if it was to be built; None if it was not. Raises what kept it from being built."""
        made = self._made.get(stack.name)
        if isinstance(made, OrchestrateError):
            raise made
        return made

    def _fitted(self, context: RunContext) -> RunContext:
        """The context with what this engine wants to be different."""
        return context

    def _digest(self, name: str) -> str | None:
        """The id of the image of this name, if it is there."""
        raise NotImplementedError

    def _try(self, spec: ContainerSpec) -> Ran:
        """Runs a trial container."""
        raise NotImplementedError

    def _ready(self, stack: Stack, device: DeviceKind, name: str) -> tuple[ImageInfo, str | None]:
        """The image of this name, and the file that it is, if it is one. Raises OrchestrateError."""
        raise NotImplementedError
