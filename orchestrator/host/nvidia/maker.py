"""NVIDIA as a maker of GPUs: NVML, CUDA and the variables that show one card to a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from orchestrator.host import visible
from orchestrator.host.cards import Cards, Handed
from orchestrator.host.checks import Check
from orchestrator.host.nvidia import cuda_trial, gpu_events, libcuda, nvml
from orchestrator.host.nvidia.slices import FEWER
from orchestrator.host.visible import Choice
from orchestrator.model import Device

CUDA, NVIDIA = "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"


class Nvidia:
    """`Maker` over NVIDIA's driver."""

    name = "NVIDIA"
    remedy = nvml.REMEDY

    def session(self) -> AbstractContextManager[Cards]:
        return nvml.session()

    def environment(self, device: Device, given: Mapping[str, str], caller: Mapping[str, str]) -> dict[str, str]:
        """By its UUID: numbers change their meaning with CUDA_DEVICE_ORDER."""
        uuid = device.uuid or ""
        shown = {**given, CUDA: uuid, NVIDIA: uuid}
        return libcuda.with_folder(shown, libcuda.folder(caller))

    def handed(self, device: Device) -> Handed | None:
        return None

    def left(self, gpus: Sequence[Device], environ: Mapping[str, str], in_container: bool) -> Choice:
        """Those that every variable shows, in the order of the last one that names some."""
        mine = [gpu for gpu in gpus if gpu.maker == self.name]
        choice = Choice(gpus=mine)
        for variable in (NVIDIA, CUDA):
            value = environ.get(variable)
            if value is None or (variable == NVIDIA and _says_nothing(value, in_container)) or not mine:
                continue
            choice = visible.narrowed(choice, mine, variable, value)
        return choice

    def fewer(self, uuid: str) -> str:
        return FEWER if uuid.startswith("MIG-") else ""

    def deadly(self, errors: Iterable[int]) -> str:
        return ", ".join(dict.fromkeys(gpu_events.in_words(number) for number in errors if gpu_events.kills(number)))

    def trial(self, gpu: Device, leased: str, caller: Mapping[str, str]) -> Check:
        return cuda_trial.check(gpu, leased, caller)


def _says_nothing(value: str, in_container: bool) -> bool:
    """Whether a value of NVIDIA_VISIBLE_DEVICES hides no GPU from this process.

    In a container the toolkit has done what it says already, and the numbers there count anew. "void" (which CDI
    sets) and "" ask the toolkit for nothing: the container's devices are what they are.
    """
    return value in ("all", "", "void") or (in_container and value[:1].isdecimal())
