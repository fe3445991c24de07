"""The `Provisioner` protocol: makes stacks ready on this host and gives the launcher that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.errors import OrchestrateError
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.model import DeviceKind, Stack, Unavailable


class Provisioner(Protocol):
    """How the stacks of a run come to this host: as images, or as virtual environments."""

    #: As `--launcher` names it; recorded, so that a resumed run takes the same one.
    name: str

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        """Makes the stacks ready. Gives what cannot be had: a whole stack, or one of its backends."""

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the stacks for granted, by their names: enough to describe commands, not to run them."""

    def launcher(self, context: RunContext) -> Launcher:
        """Starts jobs in the stacks that were made ready."""


def format_error(stack: Stack, error: OrchestrateError) -> str:
    """Format an error about a stack: message and, if there is one, the hint."""
    return f"{stack.name}: {error.message}" + (f"\n  -> {error.hint}" if error.hint else "")


def failed(stack: Stack, what: str, error: OrchestrateError) -> Unavailable:
    """A stack whose image or environment (`what`) could not be made."""
    return Unavailable(stack=stack.name, status="failed", reason=f"{what}: {error.message}")


def without_cuda(stack: Stack, backend: str, device: DeviceKind) -> Unavailable:
    """A backend that cannot run in an image that was built without CUDA files."""
    version = stack.images[device].cuda_version
    reason = f"the {device} image of {stack.name} was built without CUDA {version}, which {backend} needs"
    return Unavailable(stack=stack.name, backend=backend, status="unsupported", reason=f"{reason}; see docker/CUDA.md")
