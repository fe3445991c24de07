"""The words of each maker of GPUs in advice for people: its tools, its variables, what mends its cards."""

from __future__ import annotations

from orchestrator.model import Noun


class Words(Noun, frozen=True, kw_only=True):
    """`lists`: the command that numbers the cards; `variables`: what shows a program some of them."""

    lists: str
    variables: list[str]
    driver: str
    reset: str
    slowed: str
    #: How a job that is a process is shown its card.
    route: str
    #: How a container is, where that is not by a route of the run.
    files: str = ""
    #: What allows programs on a card that runs none; with its number as {index}.
    allow: str


WORDS = {
    "NVIDIA": Words(
        lists="nvidia-smi -L",
        variables=["CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"],
        driver="install the NVIDIA driver (`nvidia-smi` must work)",
        reset="reset it (nvidia-smi --gpu-reset) or restart the host",
        slowed="look at cooling and power (nvidia-smi -q -d PERFORMANCE); rows of a throttled GPU are marked",
        route="CUDA_VISIBLE_DEVICES",
        allow="`nvidia-smi -i {index} -c 0` (root) allows programs; where MIG is on, `nvidia-smi mig -cgi ... -C` "
        "makes slices, and `nvidia-smi -i {index} -mig 0` gives the whole card; or use another GPU",
    ),
    "AMD": Words(
        lists="amd-smi list",
        variables=["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"],
        driver="install ROCm with the amdgpu driver (`amd-smi list` must work)",
        reset="reset it (amd-smi reset --gpureset, root) or restart the host",
        slowed="look at cooling and power (amd-smi metric)",
        route="ROCR_VISIBLE_DEVICES",
        files="/dev/kfd and its /dev/dri/renderD*",
        allow="use another GPU",
    ),
}
