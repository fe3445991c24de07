"""NVIDIA as a maker of GPUs: NVML, CUDA and the variables that show one card to a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from orchestrator.host.cards import Cards
from orchestrator.host.checks import Check
from orchestrator.host.nvidia import cuda_trial, gpu_events, libcuda, nvml
from orchestrator.host.nvidia.slices import FEWER
from orchestrator.model import Device


class Nvidia:
    """`Maker` over NVIDIA's driver."""

    name = "NVIDIA"
    remedy = nvml.REMEDY

    def session(self) -> AbstractContextManager[Cards]:
        return nvml.session()

    def environment(self, device: Device, given: Mapping[str, str], caller: Mapping[str, str]) -> dict[str, str]:
        """By its UUID: numbers change their meaning with CUDA_DEVICE_ORDER."""
        uuid = device.uuid or ""
        shown = {**given, "CUDA_VISIBLE_DEVICES": uuid, "NVIDIA_VISIBLE_DEVICES": uuid}
        return libcuda.with_folder(shown, libcuda.folder(caller))

    def fewer(self, uuid: str) -> str:
        return FEWER if uuid.startswith("MIG-") else ""

    def deadly(self, errors: Iterable[int]) -> str:
        return ", ".join(dict.fromkeys(gpu_events.in_words(number) for number in errors if gpu_events.kills(number)))

    def trial(self, gpu: Device, leased: str, caller: Mapping[str, str]) -> Check:
        return cuda_trial.check(gpu, leased, caller)
