"""Which GPUs the caller's environment leaves to a run: CUDA_VISIBLE_DEVICES and NVIDIA_VISIBLE_DEVICES.

Both name GPUs by number, in the order of the PCI bus (which is NVML's), or by the begin of a UUID; and slices of one
(MIG) by UUID, or by card and slice (`0:1`). CUDA itself ends its list at the first name that fits no GPU, and shows
none for an empty list; so does this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.model import Device, Noun

CUDA, NVIDIA = "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"


class Choice(Noun, frozen=True, kw_only=True):
    """The GPUs that are left, what chose them in words ("" for nothing), and what is wrong with the choice."""

    gpus: list[Device]
    words: str = ""
    trouble: str = ""


def choose(gpus: Sequence[Device], environ: Mapping[str, str], in_container: bool) -> Choice:
    """Those of `gpus` that every variable shows, in the order of the last one that names some."""
    choice = Choice(gpus=list(gpus))
    for variable in (NVIDIA, CUDA):
        value = environ.get(variable)
        if value is None or (variable == NVIDIA and _says_nothing(value, in_container)) or not gpus:
            continue
        choice = narrowed(choice, gpus, variable, value)
    return choice


def _says_nothing(value: str, in_container: bool) -> bool:
    """Whether a value of NVIDIA_VISIBLE_DEVICES hides no GPU from this process.

    In a container the toolkit has done what it says already, and the numbers there count anew. "void" (which CDI
    sets) and "" ask the toolkit for nothing: the container's devices are what they are.
    """
    return value in ("all", "", "void") or (in_container and value[:1].isdecimal())


def narrowed(choice: Choice, all_gpus: Sequence[Device], variable: str, value: str) -> Choice:
    """Those GPUs of a choice that a list of names has, in the order of the list; `variable` says whose list it is."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    if names in ([], ["none"], ["-1"], ["NoDevFiles"]):
        return Choice(gpus=[], words=f"{variable}={value} hides every GPU of this host", trouble=choice.trouble)
    found: list[Device] = []
    trouble = choice.trouble
    for name in names:
        gpu = _named(name, all_gpus)
        if gpu is None:
            trouble = f"{variable}={value}: {_unknown(name, all_gpus)}"
            break
        if gpu not in found:
            found.append(gpu)
    kept = [gpu for gpu in found if gpu in choice.gpus]
    which = ", ".join(f"GPU {gpu.place}" for gpu in kept) or "no GPU"
    return Choice(gpus=kept, words=f"{variable}={value} leaves {which} of {len(all_gpus)}", trouble=trouble)


def _named(name: str, gpus: Sequence[Device]) -> Device | None:
    number, _, rest = name.partition(":")
    if name.isascii() and number.isdecimal() and (not rest or rest.isdecimal()):
        return next((gpu for gpu in gpus if gpu.place == f"{int(number)}{f':{int(rest)}' if rest else ''}"), None)
    fitting = [gpu for gpu in gpus if gpu.uuid and gpu.uuid.startswith(name)]
    return fitting[0] if len(fitting) == 1 else None


def _unknown(name: str, gpus: Sequence[Device]) -> str:
    slices = [gpu for gpu in gpus if gpu.part is not None]
    cut = [gpu for gpu in slices if name == str(gpu.index) or str(gpu.parent).startswith(name)]
    if cut:
        return f"GPU {cut[0].index} is cut into slices (MIG): name one of {', '.join(str(gpu.uuid) for gpu in cut)}"
    there = ", ".join(gpu.place for gpu in gpus)
    what = "slice of a GPU (MIG)" if name.startswith("MIG-") else "GPU"
    return f"no {what} of this host is called {name!r} (it has {there})"
