"""Which backends of which stacks a GPU can run, as far as is known. Nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.model import Backend, Device, GpuNeeds, Stack


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version such as "470.256.02", which can then be compared."""
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def why_not(stack: Stack, backend: str, gpu: Device) -> str:
    """Why this GPU cannot run this backend of a stack that has an image for GPUs; "" if it can, as far as is known."""
    needs = stack.needs(backend) if gpu.maker == "NVIDIA" else None  # which are CUDA's
    return other_makers(stack.backend(backend), gpu) or unsupported_reason(needs, gpu)


def other_makers(backend: Backend, gpu: Device) -> str:
    """Why a backend's code is none for this GPU's maker, in words; "" where it is."""
    if backend.gpu_maker == gpu.maker:
        return ""
    built = {"NVIDIA": "CUDA, not ROCm", "AMD": "ROCm, not CUDA"}[backend.gpu_maker]
    return f"{backend.title} is built for {backend.gpu_maker}'s GPUs ({built}), and {gpu.name} is {gpu.maker}'s"


def unsupported_reason(needs: GpuNeeds | None, gpu: Device) -> str:
    """Why this GPU, under its driver, cannot run code with these needs; "" if it can (or nothing is known)."""
    if gpu.unusable:
        return f"{gpu.name}: {gpu.unusable}"
    if needs is None:
        return ""
    if gpu.driver and version(gpu.driver) < version(needs.min_driver):
        return f"CUDA {needs.cuda} needs driver {needs.min_driver} or newer, this host has {gpu.driver}"
    if gpu.compute_capability is None:
        return ""
    has, lowest, *highest = map(version, (gpu.compute_capability, *needs.compute_capability))
    if has < lowest or (highest and has > highest[0]):
        return (
            f"its CUDA {needs.cuda} code cannot drive compute capability {gpu.compute_capability} "
            f"({gpu.name}): it was built for {span(needs)}"
        )
    return _untranslatable(needs, gpu)


def _untranslatable(needs: GpuNeeds, gpu: Device) -> str:
    """Why code that has to be translated for this GPU cannot be; "" where it has machine code, or can."""
    if not needs.native or gpu.compute_capability is None or has_machine_code(needs, gpu.compute_capability):
        return ""
    what = f"machine code for {', '.join(needs.native)}"
    if needs.ptx is None or version(gpu.compute_capability) < version(needs.ptx.compute_capability):
        return f"it has {what}, and nothing to translate for compute capability {gpu.compute_capability} ({gpu.name})"
    if gpu.driver and version(gpu.driver) < version(needs.ptx.min_driver):
        return (
            f"it has {what}; to translate the rest for compute capability {gpu.compute_capability} ({gpu.name}) takes "
            f"driver {needs.ptx.min_driver} or newer, this host has {gpu.driver}"
        )
    return ""


def has_machine_code(needs: GpuNeeds, capability: str) -> bool:
    """Whether code runs as it is: machine code serves later minor versions of its major version, and no others."""
    has = version(capability)
    return any(version(each)[0] == has[0] and version(each) <= has for each in needs.native)


def translated(needs: GpuNeeds | None, gpu: Device) -> str:
    """That the driver translates code for this GPU when a job starts, in words; "" where it need not."""
    if needs is None or not needs.native or gpu.compute_capability is None or unsupported_reason(needs, gpu):
        return ""
    if has_machine_code(needs, gpu.compute_capability):
        return ""
    return f"no machine code for {gpu.compute_capability}: the driver translates PTX when a job starts, minutes if cold"


def span(needs: GpuNeeds) -> str:
    """The compute capabilities that an image can use, in words."""
    lowest, *highest = needs.compute_capability
    return f"{lowest} to {highest[0]}" if highest else f"{lowest} and newer"


def fits(stack: Stack, backend: str, gpu: Device) -> bool:
    """Whether this GPU can run this backend of a stack, as far as is known."""
    return "gpu" in stack.images and not why_not(stack, backend, gpu)


def serving(gpus: Sequence[Device], pairs: Iterable[tuple[Stack, str]]) -> list[Device]:
    """The GPUs that can run some of these (stack, backend) pairs; all of them where none can."""
    wanted = list(pairs)
    return [gpu for gpu in gpus if any(fits(stack, backend, gpu) for stack, backend in wanted)] or list(gpus)


def unsupported(stacks: Iterable[Stack], gpus: Sequence[Device]) -> dict[tuple[str, str], str]:
    """The backends that none of these GPUs can run: (stack, backend) -> the reason."""
    found = {}
    for stack in stacks:
        for backend in stack.backends:
            if "gpu" not in stack.images:
                found[stack.name, backend.name] = f"{stack.name} has no image for a GPU"
            elif not any(fits(stack, backend.name, gpu) for gpu in gpus):
                reasons = dict.fromkeys(why_not(stack, backend.name, gpu) for gpu in gpus)
                found[stack.name, backend.name] = "; ".join(reasons)
    return found


def instead(stacks: Iterable[Stack], gpus: Sequence[Device]) -> str:
    """What a user whose choice cannot run here may run instead, in words with the command."""
    able = [s for s in stacks if any(fits(s, b.name, g) for b in s.backends for g in gpus)]
    for article, title, preset in ((False, "today's stacks", "modern"), (True, "the stacks of 2017", "azure-nc6")):
        mine = [s.name for s in able if s.article == article]
        if mine:
            return f"{title} run on it ({', '.join(mine)}): `orchestrate --config {preset} --device gpu`"
    on_cpu = "the same workloads run on the CPU: add `--device cpu --scale quick`"
    if any(gpu.maker == "AMD" for gpu in gpus):
        return f"an environment with a ROCm build of a backend runs on it: `--python FILE` (docs/GPU.md); {on_cpu}"
    return on_cpu


def kind(gpu: Device) -> str:
    """Which generation a GPU is of, in the words of its maker."""
    if gpu.maker == "AMD":
        return f"architecture {gpu.state.get('architecture', 'unknown')}"
    return f"compute capability {gpu.compute_capability or 'unknown'}"


def placement(stacks: Sequence[Stack], gpus: Sequence[Device]) -> list[str]:
    """One line per kind of GPU for the begin of a run: what runs on it, and what does not."""
    lines = []
    for gpu in {(g.name, g.compute_capability): g for g in gpus}.values():
        runs = [f"{s.name} ({b.name})" for s in stacks for b in s.backends if fits(s, b.name, gpu)]
        not_here = [f"{s.name} ({b.name})" for s in stacks for b in s.backends if not fits(s, b.name, gpu)]
        text = f"{gpu.name} ({kind(gpu)}): {', '.join(runs) or 'nothing'}"
        lines.append(text + (f"; not {', '.join(not_here)}" if not_here else ""))
    return lines
