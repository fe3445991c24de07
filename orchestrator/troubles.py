"""What stands in the way of jobs before they start."""

from __future__ import annotations

from orchestrator.errors import OrchestrateError
from orchestrator.model import DeviceKind, Noun, Stack


class Trouble(Noun, frozen=True, kw_only=True):
    """Why the jobs of one stack, of one backend in it, or of one data set cannot run."""

    status: str
    reason: str


def told(stack: Stack, error: OrchestrateError) -> str:
    """What stands in the way of a stack, and what to do about it where that is known."""
    return f"{stack.name}: {error.message}" + (f"\n  -> {error.hint}" if error.hint else "")


def without_cuda(stack: Stack, backend: str, device: DeviceKind) -> Trouble:
    """Why a backend cannot run in an image that was built without CUDA files."""
    version = stack.images[device].cuda_version
    reason = f"the {device} image of {stack.name} was built without CUDA {version}, which {backend} needs"
    return Trouble(status="unsupported", reason=f"{reason}; see docker/CUDA.md")
