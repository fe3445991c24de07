"""Examines this host for `doctor` and before a run: engine, driver, GPUs, disk, images, data. Reads only."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import __version__, extras
from orchestrator.data.declared import load_datasets
from orchestrator.data.find import DataRow, listing
from orchestrator.errors import HostError, UserError
from orchestrator.executors.local.tryout import try_for_doctor
from orchestrator.host import checks, folders, makers
from orchestrator.host.cards import Cards, GpuLost, NoDriver
from orchestrator.host.checks import Check, DataFact, Disk, Facts, GpuState, Level
from orchestrator.host.leases import Leases, lock_folder
from orchestrator.host.nvidia.throttling import slowing
from orchestrator.host.processes import in_words, present, unknown
from orchestrator.host.rapl import NO_PACKAGE, Rapl
from orchestrator.launchers import gpu_routes, runtimes
from orchestrator.launchers.runtimes import BASIC, Runtime
from orchestrator.model import Device, DeviceKind, Host, Stack, library_of
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config
from orchestrator.plan.jobs import select, select_backends, select_stacks
from orchestrator.stacks import indexes, runtime_images, venvs
from orchestrator.stacks.expected import expected
from orchestrator.stacks.found import candidates
from orchestrator.stacks.images.engine import Engine, inspect
from orchestrator.stacks.runtime_images import image_folder

MIB = 2**20
#: Room to ask for, MiB, for the results of a run. A generous round figure, not a measured need.
RESULTS_MB = 1024


def examine_host(
    config: Config, catalog: Catalog, host: Host, out: Path, data_dir: Path | None, engine: Engine
) -> list[Check]:
    """Every check for a configuration. Raises UserError for names that do not exist."""
    stacks, datasets = chosen(config, catalog)
    facts = gather(config, host, stacks, out, engine)
    if facts.launcher == "process":
        no_python = {s.name: venvs.no_interpreter(s, facts.device, catalog.docker_dir) for s in stacks if not s.found}
        facts = msgspec.structs.replace(facts, no_python=no_python)
    rows: list[DataRow] = []
    if facts.cache.path:  # else it is known what is missing, and nothing can be looked up
        found = listing(load_datasets(), datasets, data_dir)
        first = {row.dataset: row for row in reversed(found)}
        rows = [first[name] for name in datasets]
    whole = msgspec.structs.replace(
        facts,
        data=[DataFact(dataset=r.dataset, state=r.state, kind=r.kind, path=r.path, sha256=r.sha256) for r in rows],
        trial=try_for_doctor(config, catalog, stacks, facts.device, host, rows, out, engine),
    )
    seen = [*checks.all_checks(whole, stacks, catalog.stacks), packages(os.environ), energy(Rapl()), *parts()]
    return seen if config.pythons or config.images else [*seen, *_here(facts, engine)]


def _here(facts: Facts, engine: Engine) -> list[Check]:
    """What could be used as it is, instead of stacks that are made."""
    return [*candidates.pythons(os.environ), *(candidates.images(engine.client()) if facts.engine else [])]


def parts() -> list[Check]:
    """The extras of this installation, and what is lost without one."""
    found = []
    for name, extra in extras.EXTRAS.items():
        absent = extra.absent()
        seen = f"without {' and '.join(absent)}: {extra.lost}" if absent else ", ".join(extra.packages.values())
        level: Level = "warn" if absent else "ok"
        found.append(Check(level=level, what=f"extra {name}", seen=seen, mend=extras.remedy(name)))
    return found


def energy(rapl: Rapl) -> Check:
    """Whether the energy of the processors can be told: a run goes on without."""
    rapl.read()
    if rapl.trouble and rapl.trouble != NO_PACKAGE:
        return Check(level="warn", what="energy of processors", seen=rapl.trouble, mend="docs/COST.md has what helps")
    return Check(level="ok", what="energy of processors", seen=rapl.trouble or "counted by the processors (RAPL)")


def packages(environ: Mapping[str, str]) -> Check:
    """Where packages would come from, should an environment or an image have to be made."""
    try:
        sources = indexes.find(environ)
        if sources.cert:
            indexes.ca_bundle(sources.cert)
    except UserError as error:
        return Check(level="warn", what="packages", seen=error.message, mend=error.hint)
    level: Level = "warn" if sources.notes else "ok"
    seen = "; ".join([f"from {sources.words(())}", *sources.notes])
    return Check(
        level=level, what="packages", seen=seen, mend="docs/HOSTS.md has what is read" if sources.notes else ""
    )


def chosen(config: Config, catalog: Catalog) -> tuple[list[Stack], list[str]]:
    """The stacks that have a wanted backend, and the data sets that the wanted workloads read."""
    names = select_stacks(config.stacks, catalog.stacks)
    backends = {library_of(name) for name in select_backends(config.backends, catalog.stacks)}
    workloads = select(config.workloads, (w.name for w in catalog.workloads), "workload")
    stacks = [
        msgspec.structs.replace(s, backends=[b for b in s.backends if b.name in backends])
        for s in catalog.stacks
        if s.name in names
    ]
    datasets = dict.fromkeys(w.dataset for w in catalog.workloads if w.dataset and w.name in workloads)
    return [stack for stack in stacks if stack.backends], list(datasets)


def gather(config: Config, host: Host, stacks: Sequence[Stack], out: Path, engine: Engine) -> Facts:
    """The host as it is now, without the data sets."""
    device: DeviceKind = "gpu" if config.device == "gpu" or (config.device == "auto" and host.gpus) else "cpu"
    facts: dict[str, Any] = {"architecture": platform.machine(), "device": device}
    facts |= {"gpus": host.gpus, "no_gpu": host.no_gpu, "silent": host.silent_gpus}
    facts |= {"choice": host.gpu_choice, "trouble": host.gpu_trouble, "trouble_mend": host.gpu_mend}
    facts["trouble_maker"] = host.gpu_maker
    facts |= {"cores": len(host.cores), "cpu_quota": host.cpu_quota}
    facts |= {"results": folders.results_folder(out), "cache": folders.user_cache()}
    disks = [] if folders.unusable(out.absolute()) else [_disk("results", out, RESULTS_MB)]
    launcher = config.launcher
    runtime = None if launcher in BASIC else runtimes.adapted(runtimes.load(launcher), root=os.getuid() == 0)
    client = None
    if launcher != "process":
        seen = _engine(engine, config, device, host, with_route=runtime is None)
        client = seen.pop("client", None)
        facts |= seen
        launcher = "docker" if client or launcher == "docker" else "process"
    if runtime:
        launcher = runtime.name
        facts |= _runtime(runtime, config, device, host)
    if runtime and not facts["runtime_trouble"]:
        facts["images"] = {s.name: _with_runtime(runtime, client, s, device) for s in stacks if device in s.images}
    elif client:
        there = {s.name: inspect(client, _name(s, device)) is not None for s in stacks if device in s.images}
        facts["images"] = there
        missing = [stack for stack in stacks if not (stack.found or there.get(stack.name, True))]
        root = Path(str(client.info().get("DockerRootDir", "/")))
        if missing and root.exists():
            needed = expected(missing, [stack for stack in stacks if there.get(stack.name)], device)
            disks.append(_disk(f"{len(missing)} images", root, needed.mb))
    states = gpu_states(host.gpus) if device == "gpu" else {}
    return Facts(launcher=launcher, engine_needed=config.launcher == "docker", disks=disks, states=states, **facts)


def _name(stack: Stack, device: DeviceKind) -> str:
    return stack.image(device, __version__)


def _disk(what: str, path: Path, needed_mb: int) -> Disk:
    there = folders.nearest(path)
    return Disk(what=what, path=str(there), free_mb=shutil.disk_usage(there).free // MIB, needed_mb=needed_mb)


def _runtime(runtime: Runtime, config: Config, device: DeviceKind, host: Host) -> dict[str, Any]:
    """What a container runtime says of itself, as fields of Facts."""
    try:
        runtimes.check_usable(runtime)
        found: dict[str, Any] = {"runtime": _version(runtime), "runtime_trouble": ""}
        if device == "gpu":
            found["route"] = str(runtime_route(runtime, config.gpu_route, host))
    except HostError as error:
        return {"runtime_trouble": error.message, "runtime_mend": error.hint}
    return {**found, "unconfined": list(runtime.unconfined)}


def _version(runtime: Runtime) -> str:
    """The first line of the program's --version, and whether we ever ran it."""
    words = [*runtime.program, "--version"]
    try:
        answer = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{shlex.join(words)} does not work: {error}", runtime.install) from error
    if answer.returncode != 0:
        raise HostError(f"{shlex.join(words)} does not work: {answer.stderr.strip()[:200]}", runtime.install)
    return answer.stdout.strip().split("\n")[0] + (
        "" if runtime.tried else " (this runtime's template was never tried)"
    )


def _with_runtime(runtime: Runtime, client: Any, stack: Stack, device: DeviceKind) -> bool:
    """Whether the stack's image is there, or can be handed over."""
    name = _name(stack, device)
    if client is not None and inspect(client, name) is not None:
        return True
    try:
        return runtime_images.find(runtime, name, image_folder(runtime)) is not None
    except HostError:
        return False


def _engine(engine: Engine, config: Config, device: DeviceKind, host: Host, with_route: bool = True) -> dict[str, Any]:
    """What the engine says of itself, as fields of Facts, and its client."""
    try:
        client = engine.client()
        version = client.version()
    except HostError as error:
        return {"engine_trouble": error.message, "engine_mend": error.hint}
    found = {"client": client, "engine": f"{version.get('Version')}, API {version.get('ApiVersion', '0')}"}
    if device == "gpu" and with_route:
        try:
            found["route"] = str(engine_route(client, config.gpu_route, host))
        except HostError as error:
            found |= {"route_trouble": error.message, "route_mend": error.hint}
    return found


def gpu_states(gpus: Sequence[Device]) -> dict[str, GpuState]:
    """Who uses each GPU, and in what state it is."""
    held = Leases(lock_folder(), "doctor")
    found: dict[str, GpuState] = {}
    for maker, mine in makers.shared_out(gpus):
        with contextlib.suppress(NoDriver), maker.session() as cards:
            found |= {gpu.uuid: _state(cards, gpu, held.holder(gpu.uuid) or "") for gpu in mine if gpu.uuid}
    return found


def _state(cards: Cards, gpu: Device, leased: str) -> GpuState:
    assert gpu.uuid is not None
    try:
        now, processes = cards.read(gpu.uuid), present(cards, gpu.uuid)
        strange = unknown(cards.processes(gpu.uuid)) if processes is None else ""
        limit, free = cards.max_sm_mhz(gpu.uuid), cards.free_mb(gpu.uuid)
    except GpuLost as error:
        return GpuState(lost=str(error))
    return GpuState(
        busy=in_words([p for p in processes or [] if p.job is None]),
        unknown=strange,
        leased=leased,
        free_mb=free,
        sm_mhz=now.sm_mhz,
        max_sm_mhz=limit,
        slowed_by=slowing(now.throttle),
    )


def runtime_route(runtime: Runtime, wanted: str, host: Host) -> gpu_routes.Route:
    """How a runtime is given a GPU. Raises HostError for a route that it has not, or GPUs that CDI does not list."""
    if wanted != "auto" and wanted not in runtime.gpu:
        raise HostError(
            f"{runtime.name} knows no GPU route {wanted!r}", f"it has {', '.join(runtime.gpu)}; leave --gpu-route out"
        )
    name = next(iter(runtime.gpu)) if wanted == "auto" else wanted
    listed = cdi_list() if name == "cdi" else []
    routed = by_route(host.gpus)
    if len(routed) < len(host.gpus) and not runtime.gpu_file:
        other = next(gpu for gpu in host.gpus if gpu not in routed)
        raise HostError(
            f"{runtime.name} is not told how to pass a card of {other.maker}'s (GPU {other.place})",
            "take --launcher process or docker, or --gpu for other cards",
        )
    names = gpu_routes.cdi_names(listed, routed, host.gpu_count)
    if listed and len(names) < len(routed):
        raise HostError(
            f"{runtime.name} cannot pass GPUs one by one: CDI lists {', '.join(listed)} alone",
            "`nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml` (root) lists them by number or UUID",
        )
    return gpu_routes.Route(name=name, why=f"the way of {runtime.name}", cdi=names)  # type: ignore[arg-type]


def cdi_list() -> list[str]:
    """The names of GPUs in this host's CDI files, as NVIDIA's toolkit tells them; empty where it is not there."""
    try:
        answer = subprocess.run(
            ["nvidia-ctk", "cdi", "list"],
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", timeout=20, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.startswith(f"{gpu_routes.KIND}=")]


def engine_route(client: Any, wanted: str, host: Host) -> gpu_routes.Route:
    """How the Docker engine gives a GPU to its containers. Raises HostError where nothing shows that it can."""
    routed = by_route(host.gpus)
    if host.gpus and not routed:
        return gpu_routes.Route(name="devices", why="by the device files of its cards")
    hook = shutil.which("nvidia-container-runtime-hook") is not None
    api = str(client.version().get("ApiVersion", "0"))
    return gpu_routes.choose(client.info(), api, wanted, hook, routed, host.gpu_count)


def by_route(gpus: Sequence[Device]) -> list[Device]:
    """Those that a container gets by a route; the others by their device files."""
    return [gpu for gpu in gpus if gpu.uuid is None or makers.of(gpu.uuid).handed(gpu) is None]


def trials(gpus: Sequence[Device], environ: Mapping[str, str]) -> list[Check]:
    """Whether a program can use each GPU, tried by one that does."""
    held = Leases(lock_folder(), "doctor")
    return [makers.of(gpu.uuid).trial(gpu, held.holder(gpu.uuid) or "", environ) for gpu in gpus if gpu.uuid]
