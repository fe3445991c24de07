"""AMD as a maker of GPUs: AMD SMI, and the variables that show one card to a ROCm program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from orchestrator.host import visible
from orchestrator.host.amd import binding, smi
from orchestrator.host.cards import Cards, Handed
from orchestrator.host.checks import Check
from orchestrator.host.visible import Choice
from orchestrator.model import Device

ROCR, HIP, CUDA = "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"


class Amd:
    """`Maker` over AMD's driver."""

    name = "AMD"
    remedy = binding.REMEDY

    def session(self) -> AbstractContextManager[Cards]:
        return smi.session()

    def environment(self, device: Device, given: Mapping[str, str], caller: Mapping[str, str]) -> dict[str, str]:
        """ROCm's runtime shows one card, which is then HIP's number 0."""
        return {**given, ROCR: device.runtime_name or str(device.index), HIP: "0"}

    def handed(self, device: Device) -> Handed | None:
        """The driver's door and the card's own file; in the container it is the only one, and so number 0."""
        files = [str(binding.DOOR), f"/dev/dri/renderD{device.minor}"]
        groups = {file.stat().st_gid for file in map(Path, files) if file.exists()}
        return Handed(files=files, groups=sorted(groups - {0}), environment={ROCR: "0", HIP: "0"})

    def left(self, gpus: Sequence[Device], environ: Mapping[str, str], in_container: bool) -> Choice:
        """HIP numbers what the runtime has left. HIP takes CUDA's variable, too, which elsewhere is another maker's."""
        mine = [gpu for gpu in gpus if gpu.maker == self.name]
        choice = Choice(gpus=mine)
        if not mine:
            return choice
        if ROCR in environ:
            choice = visible.narrowed(choice, mine, ROCR, environ[ROCR])
        variable = HIP if HIP in environ or len(mine) < len(gpus) else CUDA
        if variable not in environ:
            return choice
        numbered = {str(number): gpu for number, gpu in enumerate(choice.gpus)}
        return visible.narrowed(choice, mine, variable, environ[variable], numbered.get)

    def fewer(self, uuid: str) -> str:
        return ""

    def deadly(self, errors: Iterable[int]) -> str:
        return ""

    def trial(self, gpu: Device, leased: str, caller: Mapping[str, str]) -> Check:
        seen = "not tried: there is no such program for AMD's cards"
        return Check(level="warn", what=f"ROCm on GPU {gpu.place} {gpu.name}", seen=seen, mend="try `rocminfo`")
