"""Runs on the node of a cluster: measures the one job of an attempt and reports into the attempt's folder.

    python -m orchestrator.executors.slurm.node SPEC SHA256    as the batch script of a Slurm job
    python -m orchestrator.executors.slurm.node --examine ORDER   for the preflight: prints what it sees, as JSON

It needs no other process: it ends with its job, and ends its job when the attempt is given up (a marker in its folder)
or a signal comes. When it ends, however that happens, the lifelines that its launcher holds end what it has started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import __version__, doors, ownership, streams
from orchestrator.data.find import keras_datasets
from orchestrator.errors import DeviceRefused, OrchestrateError
from orchestrator.executors.local.examine import examine_host
from orchestrator.executors.local.jobs import JobRunner
from orchestrator.executors.local.tryout import try_out
from orchestrator.executors.prepared import without_packages
from orchestrator.executors.slurm import node_images, verdicts
from orchestrator.executors.slurm.attempts import Attempt, Inspection, Outcome, Spec, Started
from orchestrator.executors.slurm.granted import granted_gpu, granted_memory_mb
from orchestrator.host import fitness
from orchestrator.host.leases import Leases, lock_folder
from orchestrator.host.probe import probe_host, usable_cores
from orchestrator.launchers import sweep
from orchestrator.launchers.launcher import Laid, RunContext
from orchestrator.measure import gpu_claims
from orchestrator.measure.fingerprint import Origin
from orchestrator.model import Device, DeviceKind, Host, Result, Stack, Status
from orchestrator.plan.catalog import Catalog, load_catalog, workloads_sha256
from orchestrator.plan.config import Config, parse_memory
from orchestrator.stacks import layers
from orchestrator.stacks.images.engine import Engine
from orchestrator.stacks.provisioner import Provisioner
from orchestrator.stacks.venvs import Way

POLL_S = 0.5
#: Bytes of GPU readings from which on it pays to pack them: a short job would wait for the library alone.
PACKED = 2**20


class Unfit(Exception):
    """This node cannot run the job."""

    def __init__(self, status: Status, reason: str, misfit: bool = False) -> None:
        super().__init__(reason)
        self.status: Status = status
        self.misfit = misfit


class Ending:
    """Ends the job when the attempt is given up, or a signal comes; remembers whose doing it was."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._stops: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self.by = "us" if attempt.given_up() else ""  # it may have waited in the queue for long
        threading.Thread(target=self._watch, daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)

    def add(self, stop: Callable[[], None]) -> None:
        with self._lock:
            self._stops.append(stop)
        if self.by:
            stop()

    def asked(self) -> bool:
        return bool(self.by)

    def _signalled(self, number: int, frame: Any) -> None:
        # In a thread of its own: a handler runs between two instructions of whatever holds which lock.
        threading.Thread(target=self._end, args=("slurm",), daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(POLL_S):
            if self._attempt.given_up():
                self._end("us")
                return

    def _end(self, by: str) -> None:
        by = "us" if self._attempt.given_up() else by  # scancel follows the marker
        with self._lock:
            self.by = self.by or by
            stops = list(self._stops)
        for stop in stops:
            stop()


def main(argv: list[str]) -> int:
    streams.secure()  # Slurm's log of it may be on a disk that is full
    ownership.spare_others()
    if argv[0] == "--examine":
        return examine(msgspec.json.decode(argv[1], type=Inspection))
    attempt = Attempt.open(doors.own(Path(argv[0]).parent))
    if attempt is None:
        print(f"{argv[0]} is no order that this version can read", file=sys.stderr)
        return 2
    if argv[1:] != [attempt.order]:
        print(f"{argv[0]} is not the order that was handed in: it is not carried out", file=sys.stderr)
        return 2
    node = os.environ.get("SLURMD_NODENAME") or probe_host().name
    if not attempt.begin(Started(node=node, number=os.environ.get("SLURM_JOB_ID", ""), pid=os.getpid())):
        print("this attempt was started before: it is not run twice", file=sys.stderr)
        return 0
    ending, misfit = Ending(attempt), False
    try:
        result = carry_out(attempt, node, ending)
    except Unfit as unfit:
        result, misfit = _not_begun(attempt, ending, unfit.status, f"on {node}: {unfit}"), unfit.misfit
    except OrchestrateError as error:
        result = _not_begun(attempt, ending, "failed", f"on {node}: {error.message}")
    if ending.by and result.status == "ok":
        ending.by = ""  # it was faster
    if ending.by == "slurm" and result.status == "cancelled":
        result = msgspec.structs.replace(result, reason=f"ended by a signal on {node}, not by this run")
    ticket = attempt.spec.ticket
    attempt.report(
        Outcome(token=ticket.token, attempt=ticket.attempt, result=result, ended_by=ending.by, misfit=misfit)
    )
    return 0 if not ending.by else 128 + signal.SIGTERM


def examine(order: Inspection) -> int:
    """Prints the checks of this node for a configuration. Only reads."""
    config, catalog = msgspec.convert(order.config, Config), load_catalog(Path(order.root)).extended([], order.stacks)
    host = probe_host()
    device: DeviceKind = "gpu" if config.device == "gpu" else "cpu"
    if device == "gpu":
        gpu = granted_gpu(dict(os.environ), host.gpus)
        why = host.no_gpu or "Slurm granted none that the driver knows"
        host = msgspec.structs.replace(host, gpus=[gpu] if gpu else [], no_gpu="" if gpu else why)
    data_dir = Path(order.data_dir) if order.data_dir else None
    checks = examine_host(config, catalog, host, Path(order.out), data_dir, Engine())
    answer = {
        "node": os.environ.get("SLURMD_NODENAME") or host.name,
        "orchestrator": __version__,
        "workloads_sha256": workloads_sha256(Path(catalog.root)),
        "images": node_images.there(config.launcher, catalog.stacks, device),
        "checks": checks,
    }
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def carry_out(attempt: Attempt, node: str, ending: Ending) -> Result:
    """Measures the job, or says why not. Raises Unfit, OrchestrateError."""
    spec = attempt.spec
    catalog = load_catalog(Path(spec.root)).extended([], [spec.stack] if spec.stack else [])
    refuse_difference(attempt, catalog)
    host = msgspec.structs.replace(probe_host(), name=node)
    device = choose_device(attempt, catalog, host)
    engine = Engine()
    provisioner = node_images.provisioner(spec, catalog, engine, ending.asked, say)
    stack = catalog.stack(spec.job.stack)
    for missing in provisioner.prepare([stack], spec.device):
        if missing.concerns(spec.job):
            raise Unfit(missing.status, missing.reason)
    laid = packages(spec, stack, provisioner)
    mine = msgspec.structs.replace(host, gpus=[device] if device.kind == "gpu" else [])
    route = node_images.gpu_route(spec, engine, mine)
    context = RunContext(
        run_id=spec.ticket.run_id,
        owner=sweep.owner(),
        workloads_dir=str(catalog.workloads_dir),
        stacks={stack.name: stack},
        data={spec.data.dataset: spec.data},
        memory_mb=parse_memory(spec.memory) if spec.memory else granted_memory_mb(host),
        gpu_route=route.route_name if route else "devices",
        cdi=route.cdi if route else {},
        attempts={spec.job.id: spec.ticket.attempt},
        weakened=spec.weakened,
        workloads_sha256=spec.workloads_sha256,
        own={spec.job.workload: spec.own} if spec.own else {},
        more_data=spec.more_data,
        network=spec.network,
        keras_datasets=keras_datasets(),
        laid=laid,
    )
    tried = try_out(provisioner, context, device, attempt.folder)
    context = tried[0] if tried else context
    cluster = os.environ.get("SLURM_CLUSTER_NAME") or spec.cluster
    words = route.route_words if route else None
    origin = Origin(host=host, scripts=spec.workloads_sha256, commit=spec.commit, gpu_route=words, cluster=cluster)
    runner = JobRunner(provisioner.launcher(context), context, origin)
    ending.add(runner.stop)
    with claimed(attempt, device, ending) as (claims, held):
        return runner.measure(spec.job, held, attempt.folder, claims, lambda job, event: None)


def packages(spec: Spec, stack: Stack, provisioner: Provisioner) -> list[Laid]:
    """What a file of one's own has beside its stack, made on this node where it is not there. Raises Unfit."""
    if spec.own is None or spec.layer is None:
        return []
    way = Way(may_make=spec.may_build)
    try:
        ground = provisioner.ground(stack, spec.device)
        return [layers.ready(ground, spec.job.workload, spec.own, spec.layer, way, say)]
    except OrchestrateError as error:
        missing = without_packages(stack, spec.job.workload, error)
        raise Unfit(missing.status, missing.reason) from error


@contextlib.contextmanager
def claimed(attempt: Attempt, device: Device, ending: Ending) -> Iterator[tuple[gpu_claims.GpuClaims, Device]]:
    """The GPU leased and sampled into the attempt's folder; a CPU as it is. Raises Unfit."""
    spec = attempt.spec
    mine = Leases(lock_folder(), f"run {spec.ticket.run_id}")
    try:
        with gpu_claims.watched([device], mine, attempt.folder, spec.allow_busy, say, PACKED, spec.sample_hz) as claims:
            claims.stopping = ending.asked
            with claims.claim(device) as held:
                yield claims, held
    except DeviceRefused as refusal:
        if ending.by:
            raise Unfit("cancelled", "stopped while it waited for its GPU") from refusal
        raise Unfit("unsupported", refusal.message) from refusal


def refuse_difference(attempt: Attempt, catalog: Catalog) -> None:
    """A node with other code than the run's own measures something else."""
    spec = attempt.spec
    if spec.orchestrator != __version__:
        raise Unfit("failed", f"orchestrator {__version__} is installed there, the run's is {spec.orchestrator}")
    if workloads_sha256(Path(catalog.root)) != spec.workloads_sha256:
        raise Unfit("failed", f"{catalog.workloads_dir} holds other files there than where the run was planned")
    if spec.job.dataset is not None and not Path(spec.data.path).is_file():
        raise Unfit("failed", f"{spec.data.path} is not there: the nodes need the data at the same path")


def choose_device(attempt: Attempt, catalog: Catalog, host: Host) -> Device:
    """What Slurm granted: its GPU, with the cores that this process may use."""
    spec = attempt.spec
    if spec.device == "cpu":
        if spec.job.threads > usable_cores(host):
            quota = "" if host.cpu_quota is None else f" and a CPU quota of {host.cpu_quota:g}"
            granted = f"{len(host.cores)} cores{quota}"
            raise Unfit("failed", f"Slurm granted {granted} for {spec.job.threads} threads (see --threads)")
        return Device(kind="cpu", name="cpu:0", cores=host.cores)
    gpu = granted_gpu(dict(os.environ), host.gpus)
    if gpu is None:
        raise Unfit("failed", f"Slurm granted no GPU that the driver knows ({host.no_gpu or 'no match'})")
    stack = catalog.stack(spec.job.stack)
    if not fitness.fits(stack, spec.job.backend, gpu):
        why = fitness.why_not(stack, spec.job.backend, gpu) or f"{stack.name} has no image for a GPU"
        raise Unfit("unsupported", why, misfit=True)
    return msgspec.structs.replace(gpu, cores=host.cores)


def say(line: str) -> None:
    print(line, flush=True)


def _not_begun(attempt: Attempt, ending: Ending, status: Status, reason: str) -> Result:
    """Result of a job that never started.

    If the run was being stopped, report `cancelled` and not the preparation error, which is a consequence.
    """
    if ending.by:
        status, reason = verdicts.stopped(False)
    return _row(attempt, status, reason)


def _row(attempt: Attempt, status: Status, reason: str) -> Result:
    ticket = attempt.spec.ticket
    return Result(run_id=ticket.run_id, job=attempt.spec.job, status=status, reason=reason, attempt=ticket.attempt)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
