"""Judges what can run on a host from facts about it. Nothing is started, asked or changed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from orchestrator.host.fitness import instead, kind, other_makers, span, translated, unsupported_reason
from orchestrator.host.folders import Folder
from orchestrator.host.words import WORDS, Words
from orchestrator.model import Device, Noun, Stack
from orchestrator.text import room

#: Below this much free memory a GPU gets a warning. A rule of thumb, not a measured need.
GPU_MEMORY_MB = 2048

Level = Literal["ok", "warn", "bad"]


class Check(Noun, frozen=True, kw_only=True):
    """One line of `doctor`: what was examined, what was seen, what is needed, how to mend it."""

    level: Level
    what: str
    seen: str
    needed: str = ""
    mend: str = ""


#: Of a GPU of whose memory the driver tells nothing.
HOSTS_MEMORY = "the driver tells none: a GPU that shares the host's memory (GB10, Jetson) takes it there"


class GpuState(Noun, frozen=True, kw_only=True):
    """A GPU at this moment. `busy` and `leased` name who uses it; empty for nobody."""

    busy: str = ""
    #: What uses it although nobody can say who.
    unknown: str = ""
    leased: str = ""
    lost: str = ""
    free_mb: int | None = None
    sm_mhz: float | None = None
    max_sm_mhz: float | None = None
    slowed_by: list[str] = []


class Disk(Noun, frozen=True, kw_only=True):
    """Free and needed space at a path, MiB. `what` is kept there."""

    what: str
    path: str
    free_mb: int
    needed_mb: int


class DataFact(Noun, frozen=True, kw_only=True):
    """Where a data set is, if it is here."""

    dataset: str
    state: str
    kind: str | None = None
    path: str | None = None
    sha256: str | None = None


class Trial(Noun, frozen=True, kw_only=True):
    """What a container told that was made as those of jobs: what it did not get, or why jobs cannot run."""

    launcher: str
    #: Points of the confinement, each with what it got instead.
    lacks: list[str] = []
    trouble: str = ""
    mend: str = ""


class Facts(Noun, frozen=True, kw_only=True):
    """Everything about a host that checks are made of. A part that was not examined is empty."""

    device: Literal["cpu", "gpu"]
    #: The machine's architecture, as the kernel calls it.
    architecture: str = ""
    #: How the jobs would be started: "docker", "process", or another container runtime.
    launcher: str
    runtime: str = ""
    runtime_trouble: str = ""
    runtime_mend: str = ""
    #: Points of a job's confinement that the runtime cannot give.
    unconfined: list[str] = []
    engine: str = ""
    engine_trouble: str = ""
    engine_mend: str = ""
    engine_needed: bool = False
    route: str = ""
    route_trouble: str = ""
    route_mend: str = ""
    gpus: list[Device] = []
    no_gpu: str = ""
    #: Which GPUs the environment leaves, and what is wrong with driver or choice, and whose: fields of Host.
    choice: str = ""
    trouble: str = ""
    trouble_mend: str = ""
    trouble_maker: str = "NVIDIA"
    states: dict[str, GpuState] = {}
    #: GPUs that do not answer: their error, by index.
    silent: dict[str, str] = {}
    disks: list[Disk] = []
    #: The cores that this process may use, and the processor time that a quota allows it and what it starts.
    cores: int = 0
    cpu_quota: float | None = None
    results: Folder = Folder(what="results")
    cache: Folder = Folder(what="cache")
    #: Stack -> whether its image is there; a stack that is not in it was not looked up.
    images: dict[str, bool] = {}
    #: Stack -> why this host has no Python for it, "" where it has; for jobs that are processes.
    no_python: dict[str, str] = {}
    data: list[DataFact] = []
    trial: Trial | None = None


def all_checks(facts: Facts, stacks: Sequence[Stack], everything: Sequence[Stack]) -> list[Check]:
    """All checks of these stacks, in the order in which a user would examine them.

    `everything`: the stacks of the catalog, for advice on what to run instead.
    """
    found = [*_engine(facts)]
    if facts.device == "cpu":
        found += _without_gpu(facts)
    if facts.device == "gpu":
        found += [*_driver(facts), *_route(facts), *_gpus(facts), *_stacks(facts, stacks, everything)]
    tried = trial_checks(facts.trial) if facts.trial else []
    return [
        *found,
        *_architecture(facts, stacks),
        *_quota(facts),
        *_pythons(facts),
        *_images(facts),
        *tried,
        *_folders(facts),
        *_disks(facts),
        *_data(facts),
    ]


def trial_checks(trial: Trial) -> list[Check]:
    """What a trial container tells of the jobs to come."""
    what = "container of a job"
    if trial.trouble:
        return [Check(level="bad", what=what, seen=trial.trouble, mend=trial.mend)]
    if trial.lacks:
        seen = "not everything: " + "; ".join(trial.lacks)
        return [Check(level="warn", what=f"confinement by {trial.launcher}", seen=seen)]
    return [Check(level="ok", what=what, seen="reads scripts and data, writes results, has all bounds")]


def _architecture(facts: Facts, stacks: Sequence[Stack]) -> list[Check]:
    made = [stack.name for stack in stacks if stack.found is None]
    if facts.architecture in ("", "x86_64") or not made:
        return []
    return [
        Check(
            level="warn",
            what="architecture",
            seen=f"{facts.architecture}: the packages and images of {', '.join(made)} were locked and tried on x86_64",
            needed="x86_64",
            mend="`--python` and `--image` run what is here already (docs/FOUND.md)",
        )
    ]


def _quota(facts: Facts) -> list[Check]:
    if facts.cpu_quota is None:
        return []
    seen = f"{facts.cpu_quota:g} cores' time for this process and what it starts, on {facts.cores} cores"
    return [
        Check(
            level="warn",
            what="CPU quota",
            seen=seen,
            needed="none",
            mend="raise the limit of its container, slice or batch job, or measure outside of it; runs under different "
            "quotas are never compared",
        )
    ]


def _folders(facts: Facts) -> list[Check]:
    """Folders of no use. Containers do without a cache, where all data are elsewhere; a run sees whether they are."""
    found = []
    for folder in (facts.results, facts.cache):
        spared = folder.what == "cache" and folder.path and facts.launcher == "docker"
        if folder.trouble:
            level: Level = "warn" if spared else "bad"
            what, needed = f"folder for {folder.what}", "a folder to write to"
            found.append(Check(level=level, what=what, seen=folder.trouble, needed=needed, mend=folder.mend))
    return found


def _engine(facts: Facts) -> list[Check]:
    if facts.launcher not in ("docker", "process"):
        return _runtime(facts)
    if facts.engine:
        return [Check(level="ok", what="Docker engine", seen=facts.engine)]
    level: Level = "bad" if facts.engine_needed else "warn"
    if facts.launcher == "process" and not facts.engine_trouble:
        return []
    needed = "an engine that answers" if facts.engine_needed else "an engine, for the stacks of 2017 and for isolation"
    return [Check(level=level, what="Docker engine", seen=facts.engine_trouble, needed=needed, mend=facts.engine_mend)]


def _runtime(facts: Facts) -> list[Check]:
    what = f"runtime {facts.launcher}"
    if facts.runtime_trouble:
        return [Check(level="bad", what=what, seen=facts.runtime_trouble, mend=facts.runtime_mend)]
    found = [Check(level="ok", what=what, seen=facts.runtime)]
    if facts.unconfined:
        seen = "not everything: " + "; ".join(facts.unconfined)
        found.append(Check(level="warn", what=f"confinement by {facts.launcher}", seen=seen))
    if facts.engine:
        return [*found, Check(level="ok", what="Docker engine, for images", seen=facts.engine)]
    seen = f"none ({facts.engine_trouble}): {facts.launcher} must have the images already"
    return [*found, Check(level="ok", what="Docker engine, for images", seen=seen)]


def _without_gpu(facts: Facts) -> list[Check]:
    """A driver that does not answer is not a host without a GPU: whoever asked for "auto" may expect one."""
    if facts.trouble:
        needed = "a GPU that answers, or `--device cpu` for what is meant"
        what = f"{facts.trouble_maker} driver"
        return [Check(level="warn", what=what, seen=facts.trouble, needed=needed, mend=facts.trouble_mend)]
    if not facts.no_gpu:
        return []
    return [Check(level="ok", what="device", seen=f"the CPU; no GPU can be used ({facts.no_gpu})")]


def _driver(facts: Facts) -> list[Check]:
    if not facts.gpus:
        mend = facts.trouble_mend or WORDS[facts.trouble_maker].driver
        mend += "; or run on the CPU: --device cpu --scale quick"
        what = f"{facts.trouble_maker} driver"
        return [Check(level="bad", what=what, seen=facts.no_gpu, needed="a GPU that answers", mend=mend)]
    found = []
    for gpu in {gpu.maker: gpu for gpu in reversed(facts.gpus)}.values():
        serves = f", serves CUDA up to {gpu.cuda}" if gpu.cuda else ""
        found.append(Check(level="ok", what=f"{gpu.maker} driver", seen=f"{gpu.driver or 'unknown version'}{serves}"))
    if facts.trouble:
        found.append(Check(level="warn", what="choice of GPUs", seen=facts.trouble, mend=facts.trouble_mend))
    elif facts.choice:
        found.append(Check(level="ok", what="choice of GPUs", seen=facts.choice))
    return found


def _route(facts: Facts) -> list[Check]:
    if facts.launcher == "process":
        variables = " or ".join(dict.fromkeys(WORDS[gpu.maker].route for gpu in facts.gpus)) or WORDS["NVIDIA"].route
        return [Check(level="ok", what="GPU for jobs", seen=f"{variables} (jobs are processes)")]
    if facts.route:
        return [Check(level="ok", what="GPU for containers", seen=facts.route)]
    if not facts.route_trouble:
        return []
    needed = "an nvidia runtime or CDI devices"
    return [
        Check(level="bad", what="GPU for containers", seen=facts.route_trouble, needed=needed, mend=facts.route_mend)
    ]


def _gpus(facts: Facts) -> list[Check]:
    found = [
        _use(f"GPU {place}", GpuState(lost=error), WORDS["AMD" if place.startswith("amd") else "NVIDIA"])
        for place, error in facts.silent.items()
    ]
    for gpu in facts.gpus:
        state = facts.states.get(gpu.uuid or "", GpuState())
        what = f"GPU {gpu.place} {gpu.name}"
        found.append(_use(what, state, WORDS[gpu.maker]) if not gpu.unusable else _cannot(what, gpu))
        found += _set_up(what, gpu)
        if state.free_mb is not None:
            level: Level = "ok" if state.free_mb >= GPU_MEMORY_MB else "warn"
            seen = f"{room(state.free_mb)} of {room(gpu.memory_mb or 0)} free"
            found.append(
                Check(level=level, what=f"memory of {what}", seen=seen, needed=f"{room(GPU_MEMORY_MB)}, roughly")
            )
        elif gpu.memory_mb is None and not gpu.unusable:
            found.append(Check(level="ok", what=f"memory of {what}", seen=HOSTS_MEMORY))
        if state.sm_mhz is not None or state.slowed_by:
            found.append(_clocks(what, state, WORDS[gpu.maker]))
    return found


def _set_up(what: str, gpu: Device) -> list[Check]:
    """What of a card's set-up a person should know."""
    found = []
    if gpu.state.get("persistence mode") == "off":
        seen = "persistence mode is off: the driver starts the card anew for each program, which takes seconds"
        mend = "`nvidia-smi -pm 1` (root), or the service nvidia-persistenced"
        found.append(Check(level="warn", what=f"set-up of {what}", seen=seen, needed="on", mend=mend))
    if gpu.state.get("architecture"):
        seen = ", ".join(f"{name} {value}" for name, value in gpu.state.items())
        found.append(Check(level="ok", what=f"set-up of {what}", seen=seen))
    if gpu.state.get("compute mode", "").startswith("exclusive"):
        seen = f"compute mode `{gpu.state['compute mode']}`: one program at a time, so --allow-busy is of no use"
        found.append(Check(level="ok", what=f"set-up of {what}", seen=seen))
    if gpu.state.get("slice"):
        found.append(Check(level="ok", what=f"figures of {what}", seen=gpu.state["slice"]))
    if gpu.board:
        seen = "another GPU is on its board: they take turns, as they share its power and heat"
        found.append(Check(level="ok", what=f"board of {what}", seen=seen))
    return found


def _cannot(what: str, gpu: Device) -> Check:
    mend = WORDS[gpu.maker].allow.format(index=gpu.index)
    return Check(level="warn", what=what, seen=gpu.unusable, mend=mend)


def _use(what: str, state: GpuState, words: Words) -> Check:
    if state.lost:
        return Check(level="bad", what=what, seen=f"lost: {state.lost}", needed="a GPU that answers", mend=words.reset)
    if state.busy:
        mend = "end that process, or measure beside it with --allow-busy: the rows are then marked"
        return Check(level="warn", what=what, seen=f"in use by {state.busy}", needed="nobody else on it", mend=mend)
    if state.leased:
        mend = "wait: a run takes it job by job, as soon as it is given back"
        return Check(level="warn", what=what, seen=f"leased by {state.leased}", needed="nobody else on it", mend=mend)
    if state.unknown:
        tool = words.lists.split()[0]
        mend = f"look at `{tool}` on the host itself; such a GPU is used all the same, and nobody says whether alone"
        return Check(level="warn", what=what, seen=f"in use by {state.unknown}", needed="nobody else on it", mend=mend)
    return Check(level="ok", what=what, seen="free")


def _clocks(what: str, state: GpuState, words: Words) -> Check:
    clock = f"{state.sm_mhz:.0f}" if state.sm_mhz is not None else "?"
    limit = f" of {state.max_sm_mhz:.0f}" if state.max_sm_mhz else ""
    seen = f"{clock}{limit} MHz"
    if state.slowed_by:
        seen += f", slowed down by {', '.join(state.slowed_by)}"
        return Check(level="warn", what=f"clocks of {what}", seen=seen, needed="no throttling", mend=words.slowed)
    return Check(level="ok", what=f"clocks of {what}", seen=seen)


def _stacks(facts: Facts, stacks: Sequence[Stack], everything: Sequence[Stack]) -> list[Check]:
    """One check per backend and kind of GPU."""
    kinds = {(gpu.name, gpu.compute_capability, gpu.driver): gpu for gpu in facts.gpus}
    found = []
    for gpu in kinds.values():
        mend = instead(everything, [gpu])
        for stack in stacks:
            for backend in stack.backends:
                found.append(_stack(stack, backend.name, gpu, mend))
    if not any(check.level == "ok" for check in found):
        return found
    return [_as_warning(check) for check in found]


def _stack(stack: Stack, backend: str, gpu: Device, mend: str) -> Check:
    needs = stack.needs(backend)
    what = f"{stack.name} ({backend}) on {gpu.name}"
    seen = f"{kind(gpu)}, driver {gpu.driver or 'unknown'}"
    if "gpu" not in stack.images:
        return Check(level="bad", what=what, seen="this stack has no image for a GPU", mend=mend)
    foreign = other_makers(stack.backend(backend), gpu)
    if foreign:
        return Check(level="bad", what=what, seen=foreign, needed=f"code for {gpu.maker}'s GPUs", mend=mend)
    if needs is None:
        return Check(level="ok", what=what, seen=seen, needed="nothing is known of what it needs")
    needed = f"{span(needs)}, driver {needs.min_driver} or newer (CUDA {needs.cuda})"
    why = unsupported_reason(needs, gpu)
    slow = translated(needs, gpu)
    if slow and not why:
        mend = "nothing needs mending: what was translated is kept for the jobs after it; rows say if caches were cold"
        return Check(level="warn", what=what, seen=f"{seen}; {slow}", needed=needed, mend=mend)
    if not why:
        return Check(level="ok", what=what, seen=seen, needed=needed)
    return Check(level="bad", what=what, seen=why, needed=needed, mend=mend)


def _as_warning(check: Check) -> Check:
    """A failed check as a warning: where other pairs can run, one that cannot is only left out."""
    if check.level != "bad":
        return check
    mend = "nothing needs mending: such jobs go to a GPU that can, else they become `unsupported` rows"
    return Check(level="warn", what=check.what, seen=check.seen, needed=check.needed, mend=mend)


def _images(facts: Facts) -> list[Check]:
    found = []
    for stack, there in facts.images.items():
        mend = f"a run builds it; beforehand: orchestrate build --device {facts.device} --stack {stack}"
        if facts.launcher not in ("docker", "process") and not facts.engine:
            mend = f"orchestrate images load FILE --launcher {facts.launcher}"
        missing = Check(level="warn", what=f"image of {stack}", seen="not built yet", mend=mend)
        found.append(Check(level="ok", what=f"image of {stack}", seen="there") if there else missing)
    return found


def _disks(facts: Facts) -> list[Check]:
    return [
        Check(
            level="ok" if disk.free_mb >= disk.needed_mb else "bad",
            what=f"disk for {disk.what}",
            seen=f"{room(disk.free_mb)} free at {disk.path}",
            needed=f"{room(disk.needed_mb)}, roughly",
            mend=""
            if disk.free_mb >= disk.needed_mb
            else "free space, or name another place (--out; the engine's data-root)",
        )
        for disk in facts.disks
    ]


def _data(facts: Facts) -> list[Check]:
    found = []
    for fact in facts.data:
        what, hashed = f"data set {fact.dataset}", f", sha256 {fact.sha256[:12]}…" if fact.sha256 else ""
        if fact.state == "corrupt":
            mend = "orchestrate data fetch " + fact.dataset
            found.append(Check(level="bad", what=what, seen=f"corrupt: {fact.path}", needed="a whole file", mend=mend))
        elif fact.path is None:
            mend = f"a run fetches it, or says that it is synthetic; beforehand: orchestrate data fetch {fact.dataset}"
            found.append(Check(level="warn", what=what, seen="not here yet", mend=mend))
        elif fact.kind == "synthetic":
            needed = "the real data, for accuracies that mean something"
            mend = f"name a folder that has it: --data-dir FOLDER; or: orchestrate data fetch {fact.dataset}"
            found.append(Check(level="warn", what=what, seen=f"SYNTHETIC: {fact.path}", needed=needed, mend=mend))
        else:
            found.append(Check(level="ok", what=what, seen=f"{fact.state}: {fact.path}{hashed}"))
    return found


def _pythons(facts: Facts) -> list[Check]:
    """A stack without a Python is left out; where no other can run, that is in the way."""
    some = any(not why for why in facts.no_python.values())
    mend = "nothing needs mending: its jobs become `unsupported` rows" if some else ""
    return [
        Check(level="warn" if some else "bad", what=f"Python of {stack}", seen=why, mend=mend)
        for stack, why in facts.no_python.items()
        if why
    ]


def worst(found: Iterable[Check]) -> Level:
    """The worst level of these checks, "ok" for none."""
    levels = {check.level for check in found}
    return "bad" if "bad" in levels else "warn" if "warn" in levels else "ok"


def counts(found: Iterable[Check]) -> Mapping[Level, int]:
    """How many checks there are of each level."""
    tally: dict[Level, int] = {"ok": 0, "warn": 0, "bad": 0}
    for check in found:
        tally[check.level] += 1
    return tally


def check_text(check: Check) -> str:
    """One check as text, with the advice in a second line where there is any."""
    needed = f"; needed: {check.needed}" if check.needed else ""
    mend = f"\n        -> {check.mend}" if check.mend and check.level != "ok" else ""
    return f"{check.level.upper():5} {check.what}: {check.seen}{needed}{mend}"
