"""Which GPUs a list of names leaves to a run: a variable of the caller's environment, or what he asks for.

GPUs are named by number, in the order of their driver, or by the begin of a UUID; and slices of one (MIG) by UUID, or
by card and slice (`0:1`). A list ends at the first name that fits no GPU, and an empty one leaves none, as for CUDA.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.model import Device, Noun


class Choice(Noun, frozen=True, kw_only=True):
    """The GPUs that are left, what chose them in words ("" for nothing), and what is wrong with the choice."""

    gpus: list[Device]
    words: str = ""
    trouble: str = ""


def narrowed(
    choice: Choice,
    all_gpus: Sequence[Device],
    variable: str,
    value: str,
    named: Callable[[str], Device | None] | None = None,
) -> Choice:
    """Those GPUs of a choice that a list of names has, in the order of the list; `variable` says whose list it is.

    `named`: what a name means, where it is not one of all GPUs' numbers and UUIDs.
    """
    names = [name.strip() for name in value.split(",") if name.strip()]
    if names in ([], ["none"], ["-1"], ["NoDevFiles"]):
        return Choice(gpus=[], words=f"{variable}={value} hides every GPU of this host", trouble=choice.trouble)
    found: list[Device] = []
    trouble = choice.trouble
    for name in names:
        gpu = named(name) if named else _named(name, all_gpus)
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
        place = f"{int(number)}{f':{int(rest)}' if rest else ''}"
        called = [gpu for gpu in gpus if gpu.place == place]
        fitting = called or [gpu for gpu in gpus if gpu.part is None and str(gpu.index) == place]
    else:
        fitting = [gpu for gpu in gpus if name in (gpu.place, gpu.runtime_name) or (gpu.uuid or "").startswith(name)]
    return fitting[0] if len(fitting) == 1 else None


def _unknown(name: str, gpus: Sequence[Device]) -> str:
    slices = [gpu for gpu in gpus if gpu.part is not None]
    cut = [gpu for gpu in slices if name == str(gpu.index) or str(gpu.parent).startswith(name)]
    if cut:
        return f"GPU {cut[0].index} is cut into slices (MIG): name one of {', '.join(str(gpu.uuid) for gpu in cut)}"
    there = ", ".join(gpu.place for gpu in gpus)
    what = "slice of a GPU (MIG)" if name.startswith("MIG-") else "GPU"
    return f"no {what} of this host is called {name!r} (it has {there})"
