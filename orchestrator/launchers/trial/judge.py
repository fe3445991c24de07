"""What a trial container is made of, and what its words mean for the jobs to come."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.errors import HostError
from orchestrator.launchers.container import Image, confined, user_of
from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.runtimes import Point
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.sweep import LABEL
from orchestrator.model import Device, Noun

#: What the script leaves in the folder that it may write.
WRITTEN = "trial"
#: Runs inside the container.
SCRIPT = Path(__file__).with_name("script.py")
BOOT = Path("/proc/sys/kernel/random/boot_id")
MIB = 2**20


class Ran(Noun, frozen=True, kw_only=True):
    """How the trial container ended: what it printed, or why there is none."""

    output: bytes = b""
    refusal: str = ""


class Seen(Noun, frozen=True, kw_only=True):
    """What a trial container tells, see script.py. Texts are the kernel's own."""

    boot: str
    uids: str
    user: int
    cores: str
    capabilities: str
    no_new_privileges: str
    memory: str
    swap: str
    processes: str
    read_only: bool
    interfaces: list[str]
    core_bytes: int
    shm_mb: int
    tmp_mb: int
    unreadable: list[tuple[str, str]]
    unwritable: list[tuple[str, str]]

    def outside(self, user: int) -> int | None:
        """Who user number `user` of the container is on the engine's host; None where it is nobody there."""
        for line in self.uids.splitlines():
            inside, first, count = map(int, line.split())
            if inside <= user < inside + count:
                return first + user - inside
        return None


def trial_spec(context: RunContext, image: Image, device: Device, out: Path) -> ContainerSpec:
    """The trial container: a job's, with the data of all jobs; it reads what they read, and writes to `out`."""
    files = {f"/data/{data.name}": data.path for data in context.data.values()}
    common = confined(context, image, device)
    return msgspec.structs.replace(
        common,
        # Several nodes of a cluster may try one engine at once, for the same run.
        name=f"{common.name}-trial-{secrets.token_hex(4)}",
        labels={**common.labels, LABEL: "trial"},  # who waits for a job, or counts them, does not mean this one
        **image.command(["-B", "-c", SCRIPT.read_text(encoding="utf-8"), "/workloads", *files, "/out"]),
        binds=[
            (context.workloads_dir, "/workloads", "ro"),
            *((path, inside, "ro") for inside, path in files.items()),
            (str(out.absolute()), "/out", "rw"),
        ],
    )


def judge(context: RunContext, spec: ContainerSpec, ran: Ran, out: Path) -> dict[Point, str]:
    """The points of the confinement that the container did not get. Raises HostError for what no job could run with."""
    if ran.refusal:
        raise _refused(spec, ran.refusal)
    try:
        seen = msgspec.json.decode(ran.output.strip().rpartition(b"\n")[2], type=Seen)
    except msgspec.MsgspecError as error:
        said = ran.output.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise HostError(
            f"a container of {spec.image[:19]} starts, and its Python does not: {said or 'it said nothing'}",
            "`orchestrate build --no-cache` makes the image again.",
        ) from error
    _check_place(seen)
    _check_files(spec, seen, _outside(context, seen, out))
    return {point: why for point, why in _lacking(spec, seen) if point not in spec.weakened}


def _refused(spec: ContainerSpec, reason: str) -> HostError:
    hidden = max((host for host, _, _ in spec.binds if host in reason), key=len, default=None)
    if hidden and Path(hidden).exists():
        shown = Path(hidden).parent if hidden == spec.binds[-1][0] else hidden  # the results, not the trial's own
        return HostError(
            f"the engine does not see {shown}: {reason}",
            "It looks for paths on its own host, in its own mounts, with its own rights: choose folders that it sees "
            "(--out, --data-dir, --root), or start orchestrate on the engine's host.",
        )
    hint = "A container that you start by hand should tell the same."
    return HostError(f"no container can be started here: {reason}", hint)


def _check_place(seen: Seen) -> None:
    here = BOOT.read_text(encoding="utf-8").strip() if BOOT.exists() else ""
    if seen.boot and here and seen.boot != here:
        raise HostError(
            "the engine runs its containers on another machine than this one, and their figures would be recorded as "
            "this one's",
            "Start orchestrate on that machine, or unset DOCKER_HOST (DOCKER_CONTEXT=default).",
        )


def _outside(context: RunContext, seen: Seen, out: Path) -> int | None:
    """Who a job is on this host: the owner of what it wrote; where it could write nothing, as far as it is known."""
    with contextlib.suppress(OSError):
        return (out / WRITTEN).lstat().st_uid
    return seen.outside(seen.user) or user_of(context).outside[0]


def _check_files(spec: ContainerSpec, seen: Seen, outside: int | None) -> None:
    who = f"user {outside}, as whom jobs run,"
    if outside == 0:
        raise HostError(
            "jobs would run as root of this machine, and must not", "Use an engine that root did not start rootless."
        )
    host = {inside: path for path, inside, _ in spec.binds}
    if seen.unreadable:
        path, reason = seen.unreadable[0]
        top = next(inside for inside in host if path == inside or path.startswith(f"{inside}/"))
        shown, more = host[top] + path[len(top) :], len(seen.unreadable) - 1
        rest = f" (and {more} more)" if more else ""
        raise HostError(f"{who} cannot read {shown}{rest}: {reason}", f"Let others read it: chmod -R go+rX {host[top]}")
    if seen.unwritable:
        raise HostError(
            f"{who} cannot write to a folder below {Path(host['/out']).parents[1]}: {seen.unwritable[0][1]}",
            "Use an engine of your own (DOCKER_HOST), or choose another file system with --out.",
        )


def _lacking(spec: ContainerSpec, seen: Seen) -> Iterator[tuple[Point, str]]:
    """(point, what it got instead) for every point that the container did not get."""
    if seen.interfaces not in ([], ["lo"]):
        yield "network", f"the container has the interfaces {', '.join(seen.interfaces)}"
    if not seen.read_only:
        yield "read_only", "its file system can be written to"
    if seen.capabilities.strip("0"):
        yield "capabilities", f"it may get {seen.capabilities}"
    if seen.no_new_privileges != "1":
        yield "no_new_privileges", "the engine does not set it"
    if seen.core_bytes != 0:
        yield "core_dumps", "they are not forbidden"
    yield from _bounds(spec, seen)
    if spec.cores and _numbers(seen.cores) != {*spec.cores}:
        yield "cores", f"it may use {seen.cores}, not only {','.join(map(str, spec.cores))}"


def _bounds(spec: ContainerSpec, seen: Seen) -> Iterator[tuple[Point, str]]:
    memory, processes = _bound(seen.memory), _bound(seen.processes)
    if memory is None or memory > spec.memory_mb * MIB:
        yield "memory", "the engine does not bound it"
    elif _bound(seen.swap) is None:
        yield "memory", "the engine bounds it, and not what is swapped out"
    if processes is None or processes > spec.pids:
        yield "processes", "the engine does not bound them"
    if not 0 < seen.shm_mb <= spec.shm_mb:
        yield "shared_memory", f"/dev/shm has {seen.shm_mb} MiB instead of {spec.shm_mb}"
    if not 0 < seen.tmp_mb <= spec.tmp_mb:
        yield "temporary_files", f"/tmp has {seen.tmp_mb} MiB instead of {spec.tmp_mb}"


def _bound(text: str) -> int | None:
    """A bound that a control group has; None for none, however the kernel writes it."""
    return int(text) if text.isdecimal() and int(text) < 2**60 else None


def _numbers(text: str) -> set[int]:
    """The numbers of "0-2,5"."""
    ends = [part.split("-") for part in text.split(",") if part]
    return {number for first, *last in ends for number in range(int(first), int(*last or [first]) + 1)}
