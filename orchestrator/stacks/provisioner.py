"""The `Provisioner` protocol: makes stacks ready on this host and gives the launcher that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.errors import OrchestrateError
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.model import DeviceKind, Noun, Stack


class Provisioner(Protocol):
    name: str

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> dict[str, Trouble]:
        """Makes the stacks ready; what stands in the way of the others, by stack or by "<stack>.<backend>"."""
        ...

    def launcher(self, context: RunContext) -> Launcher: ...


class Trouble(Noun, frozen=True, kw_only=True):
    """Why the jobs of one stack, of one backend in it, or of one data set cannot run."""

    status: str
    reason: str


def format_error(stack: Stack, error: OrchestrateError) -> str:
    """What stands in the way of a stack, and what to do about it where that is known."""
    return f"{stack.name}: {error.message}" + (f"\n  -> {error.hint}" if error.hint else "")


def without_cuda(stack: Stack, backend: str, device: DeviceKind) -> Trouble:
    """Why a backend cannot run in an image that was built without CUDA files."""
    version = stack.images[device].cuda_version
    reason = f"the {device} image of {stack.name} was built without CUDA {version}, which {backend} needs"
    return Trouble(status="unsupported", reason=f"{reason}; see docker/CUDA.md")
