"""Examines this host: its name, processor, memory and GPUs; and divides its cores among jobs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from orchestrator.errors import HostError
from orchestrator.host import control_groups, makers, topology, visible
from orchestrator.host.cards import Maker, NoDriver
from orchestrator.host.words import WORDS
from orchestrator.model import Device, Host
from orchestrator.text import plural

#: Memory that stays with the host and the orchestrator when a job gets the rest, MiB.
RESERVE_MB = 1024
#: Files that container runtimes put into their containers.
CONTAINER_MARKS = (".dockerenv", "run/.containerenv", ".singularity.d", "run/systemd/container")
#: Clocks of hypervisors, for guests.
HYPERVISORS = {"kvm-clock": "KVM", "xen": "Xen", "hyperv": "Hyper-V"}


def probe_host(environ: Mapping[str, str] | None = None, asked: Sequence[str] = ()) -> Host:
    """What a result says about this host. A host without a GPU is no error: `no_gpu` says why there is none.

    `environ`: the environment whose choice of GPUs is obeyed; None shows them all. `asked`: only these GPUs, by number
    or UUID. Raises HostError for one that is not there.
    """
    host = Host(
        name=platform.node(),
        cpu=_cpu_model(),
        cores=sorted(os.sched_getaffinity(0)),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        os=_os_name(),
        machine=machine(),
        virtualization=_virtualization(),
        cpu_quota=control_groups.quota_cores(control_groups.cpu_folders(control_groups.groups_of("self"))),
    )
    host = _chosen(_with_gpus(host), environ or {})
    return _asked(host, asked) if asked else host


def usable_cores(host: Host) -> int:
    """The cores that jobs can keep busy: of the affinity mask, fewer where a CPU quota allows less; at least 1."""
    allowed = len(host.cores) if host.cpu_quota is None else int(host.cpu_quota)
    return max(1, min(len(host.cores), allowed))


def default_threads(cores: int, parallel: int) -> int:
    """CPU threads of each job: an equal share of the cores, but one, which is for the engine and the sampler.

    Thread pools that spin while they wait for each other suffer most from a core that is taken away: recurrent
    layers on PyTorch were 10 times slower with two threads than with one on two cores.
    """
    return max(1, (cores - 1) // parallel)


def slots(host: Host, kind: str, threads: int, parallel: int) -> list[Device]:
    """The devices that may run a job at the same time: disjoint sets of cores, or the GPUs.

    Raises HostError where the host has too few cores.
    """
    if kind == "gpu":
        return [replace(g, cores=c) for g, c in zip(host.gpus, shares(host), strict=True)]
    if threads * parallel > usable_cores(host):
        limit = "" if host.cpu_quota is None else f", and a CPU quota of {host.cpu_quota:g}"
        raise HostError(
            f"{plural(parallel, 'job')} of {plural(threads, 'thread')} {'needs' if parallel == 1 else 'need'} "
            f"{plural(threads * parallel, 'core')}; "
            f"this host has {len(host.cores)}{limit}",
            "lower --parallel or --threads",
        )
    sets = [host.cores[i * threads : (i + 1) * threads] for i in range(parallel)]
    return [Device(kind="cpu", name=f"cpu:{i}", cores=cores) for i, cores in enumerate(sets)]


def shares(host: Host) -> list[list[int]]:
    """Disjoint sets of cores, one per GPU, so that jobs side by side do not take them from each other.

    Each is near its GPU, where the machine tells and every GPU has some of its own; and of whole physical cores. With
    more GPUs than cores some must share one.
    """
    near = [tuple(core for core in gpu.near if core in host.cores) for gpu in host.gpus]
    nodes = {cores: [i for i, mine in enumerate(near) if mine == cores] for cores in near}
    if not all(near) or sum(map(len, nodes)) != len(set().union(*nodes)):
        return topology.shared_out(host.cores, len(host.gpus))
    found: dict[int, list[int]] = {}
    for cores, gpus in nodes.items():
        found |= zip(gpus, topology.shared_out(cores, len(gpus)), strict=True)
    return [found[i] for i in range(len(host.gpus))]


def _with_gpus(host: Host) -> Host:
    for maker in makers.MAKERS:
        host = _with_those_of(maker, host)
    return replace(host, no_gpu="") if host.gpus else host


def _with_those_of(maker: Maker, host: Host) -> Host:
    """The host with the GPUs of one maker beside those that it has; or with the reason why there are none."""
    try:
        with maker.session() as cards:
            gpus, silent = cards.devices(), cards.silent
    except NoDriver as error:
        if not error.absent:
            return _troubled(maker, host, error.message, error.hint)
        return replace(host, no_gpu="; ".join(filter(None, [host.no_gpu, error.message])))
    host = replace(host, silent_gpus={**host.silent_gpus, **silent})
    if gpus:
        return replace(host, gpus=[*host.gpus, *gpus], gpu_count=host.gpu_count + len(gpus) + len(silent))
    if silent:
        why = f"no GPU answers: {', '.join(f'GPU {index}: {error}' for index, error in silent.items())}"
        return _troubled(maker, host, why, maker.remedy)
    return replace(host, no_gpu=f"the {maker.name} driver answers but lists no GPU")


def _troubled(maker: Maker, host: Host, why: str, mend: str) -> Host:
    """The host with the trouble of one more maker's driver; the first one's stays."""
    if host.gpu_trouble:
        return host
    return replace(host, no_gpu=why, gpu_trouble=why, gpu_mend=mend, gpu_maker=maker.name)


def _makers(gpus: Sequence[Device]) -> list[str]:
    """Whose GPUs these are, NVIDIA's for none: the makers whose words help."""
    return list(dict.fromkeys(gpu.maker for gpu in gpus)) or ["NVIDIA"]


def _chosen(host: Host, environ: Mapping[str, str]) -> Host:
    """The host with those of its GPUs that the caller's environment leaves to this run."""
    choice, wrong = makers.left(host.gpus, environ, _in_container())
    if not choice.words:
        return host
    theirs = WORDS[wrong or host.gpu_maker]
    mend = f"name GPUs by their number (`{theirs.lists}`) or UUID, or unset {' and '.join(theirs.variables)}"
    return replace(
        host,
        gpus=choice.gpus,
        no_gpu="" if choice.gpus else choice.trouble or choice.words,
        gpu_choice=choice.words,
        gpu_trouble=choice.trouble or host.gpu_trouble,
        gpu_mend=mend if choice.trouble else host.gpu_mend,
        gpu_maker=wrong or host.gpu_maker,
    )


def _asked(host: Host, names: Sequence[str]) -> Host:
    """The host with the GPUs of these names alone, of those that the environment leaves. Raises HostError."""
    choice = visible.narrowed(visible.Choice(gpus=host.gpus), host.gpus, "--gpu", ",".join(names))
    if choice.trouble or not choice.gpus:
        why = choice.trouble or f"--gpu {','.join(names)}: {host.no_gpu or host.gpu_choice or 'there is none'}"
        lists = " and ".join(f"`{WORDS[maker].lists}`" for maker in _makers(host.gpus))
        raise HostError(why, f"{lists} lists them, by number and UUID")
    words = "; ".join(filter(None, [host.gpu_choice, choice.words]))
    return replace(host, gpus=choice.gpus, gpu_choice=words)


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def machine() -> str | None:
    """A hash that tells this machine from others of the same name; None where it has no id.

    The id itself is meant to stay on the machine (machine-id(5)).
    """
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError):
            found = Path(path).read_text(encoding="utf-8", errors="replace").strip()
            if found:
                return hashlib.sha256(f"keras-orchestrate {found}".encode()).hexdigest()[:12]
    return None


def _virtualization(root: Path = Path("/")) -> str:
    """What lies between this process and the hardware: `none`, `KVM`, `KVM, container`."""
    return ", ".join(filter(None, [_hypervisor(root), "container" if _in_container(root) else ""])) or "none"


def _in_container(root: Path = Path("/")) -> bool:
    return any((root / mark).exists() for mark in CONTAINER_MARKS)


def _hypervisor(root: Path) -> str:
    def text(path: str) -> str:
        try:
            return (root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    if "microsoft" in text("proc/sys/kernel/osrelease").lower():
        return "WSL"
    clocks = text("sys/devices/system/clocksource/clocksource0/available_clocksource")
    known = [name for mark, name in HYPERVISORS.items() if mark in clocks]
    flagged = "hypervisor" in text("proc/cpuinfo").partition("\n\n")[0]
    if not flagged and not known:
        return ""
    vendor = text("sys/class/dmi/id/sys_vendor").strip()
    return ", ".join(filter(None, [known[0] if known else "", vendor])) or "a hypervisor"


def _os_name() -> str:
    try:
        release = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        release = platform.system()
    return f"{release}, kernel {platform.release()}"
