"""What `make bench-harness` measures, part by part. Every part gives lines (what, figure, n, aim)."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from orchestrator.files import PACKAGE
from orchestrator.host import control_groups
from orchestrator.host.cores import Cores
from orchestrator.host.run_queue import RunQueue, threads_of
from orchestrator.launchers import sweep
from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.process import Interpreter, ProcessLauncher
from orchestrator.launchers.reaper import descendants
from orchestrator.measure.job import OUT, measure
from orchestrator.model import DataFile, Device, Fingerprint, Job, Result
from orchestrator.plan import catalog
from tests.fakes.roots import HERE, make_data
from tests.make import make_context

ROOT = PACKAGE.parent
Line = tuple[str, str, str, str]
DEVICE = Device(kind="cpu", name="cpu:0", cores=sorted(os.sched_getaffinity(0))[-1:])
JOB = Job(
    workload="ok", stack="keras3-jax", backend="jax", device="cpu", repeat=1, scale="smoke", epochs=2, batch_size=32,
    train=64, validation=32, seed=1, threads=1, timeout_s=600, dataset="mnist",
)  # fmt: skip


def timed(action: Callable[[], object]) -> float:
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def interleaved(
    rounds: int, first: Callable[[], object], second: Callable[[], object]
) -> tuple[list[float], list[float]]:
    """Seconds of both, taken in turn, the order within a round changing."""
    a: list[float] = []
    b: list[float] = []
    for i in range(rounds):
        pair = [(first, a), (second, b)]
        for action, seconds in pair if i % 2 == 0 else pair[::-1]:
            seconds.append(timed(action))
    return a, b


def paired(a: list[float], b: list[float]) -> str:
    """Median of the differences b - a within rounds, and their quartiles."""
    low, middle, high = statistics.quantiles([y - x for x, y in zip(a, b, strict=True)], n=4)
    return f"{middle:.3f} s (quartiles {low:.3f} to {high:.3f})"


def start(rounds: int, scratch: Path) -> Iterator[Line]:
    """`orchestrate --help`, beside an empty Python."""
    bare = [sys.executable, "-c", "pass"]
    ours = [sys.executable, "-m", "orchestrator", "--help"]
    run = {"stdout": subprocess.DEVNULL, "check": True, "cwd": ROOT}
    a, b = interleaved(rounds, lambda: subprocess.run(bare, **run), lambda: subprocess.run(ours, **run))
    yield "`orchestrate --help`", f"{statistics.median(b):.3f} s", f"{rounds}", "<= 0.15 s"
    yield "of it an empty Python", f"{statistics.median(a):.3f} s", f"{rounds}", ""


def process_launcher(context: RunContext, scratch: Path, python: str) -> ProcessLauncher:
    return ProcessLauncher(context, {JOB.stack: Interpreter(python=python, lock_sha256="0" * 64)}, scratch / "cache")


def identify(files: dict[str, DataFile]) -> Callable[..., Fingerprint]:
    def make(job: Job, device: Device, launch: object) -> Fingerprint:
        return Fingerprint(
            launcher="bench", workloads_sha256="0" * 64, data_sha256=files["mnist"].sha256, data_kind="given",
            host="here", cpu="", cores=1, memory_mb=1, os="linux", threads=1, orchestrator="0",
        )  # fmt: skip

    return make


def measured(launcher: object, files: dict[str, DataFile], folder: Path, job: Job) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    result = measure(
        job, DEVICE, launcher=launcher, folder=folder, run_id="20260101-000000-abcd", identify=identify(files),
        on_event=lambda job, event: None,
    )  # fmt: skip
    assert result.status == "ok", result.reason
    return result


def bare_run(launcher: object, folder: Path, job: Job) -> None:
    """The very command of the job, with the input that it expects to stay open, and nobody watching."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / OUT).mkdir(parents=True)
    (folder / OUT).chmod(0o777)
    launch = launcher.describe(job, DEVICE, folder / OUT)  # type: ignore[attr-defined]
    with subprocess.Popen(
        launch.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as p:
        assert p.wait() == 0, p.stderr.read()[-2000:] if p.stderr else ""


def job_overhead(rounds: int, scratch: Path) -> Iterator[Line]:
    """A measured job against its bare command: a process and, where an engine has an image of ours, a container."""
    data = make_data(scratch / "data") / "mnist.npz"
    workloads = scratch / "stub" / "workloads"
    workloads.mkdir(parents=True)
    shutil.copy(HERE / "stub_run.py", workloads / "run.py")
    context = make_context(workloads, data, run_id="20260101-000000-abcd", owner=sweep.owner(), memory_mb=1024)
    kinds = {"process": (process_launcher(context, scratch, sys.executable), JOB), **containers(context)}
    for name, (launcher, job) in kinds.items():
        a, b = interleaved(
            rounds,
            lambda: bare_run(launcher, scratch / "bare", job),  # noqa: B023
            lambda: measured(launcher, context.data, scratch / "measured", job),  # noqa: B023
        )
        yield f"measured job over its bare command, {name}", paired(a, b), f"{rounds}", "<= 0.025 s"
        yield f"of it the bare command, {name}", f"{statistics.median(a):.3f} s", f"{rounds}", ""


def containers(context: RunContext) -> dict[str, tuple[object, Job]]:
    """The docker launcher with the first image of ours that the engine has; empty, and said, where there is none."""
    from orchestrator import model
    from orchestrator.errors import HostError
    from orchestrator.launchers.container import Image
    from orchestrator.launchers.docker import DockerLauncher
    from orchestrator.stacks.images import engine

    try:
        client = engine.connect()
    except HostError as error:
        print(f"no containers: {error.message}", file=sys.stderr)
        return {}
    for stack in catalog.load_catalog().stacks:
        info = engine.inspect(client, model.image_name(stack.name, "cpu", "0.1.0"))
        if info is None:
            continue
        images = {stack.name: Image(name=info.id, digest=info.id)}
        job = msgspec.structs.replace(JOB, stack=stack.name, backend=stack.backends[0].name)
        return {f"container ({stack.name})": (DockerLauncher(client, context, images), job)}
    print("no containers: the engine has no image of this project", file=sys.stderr)
    return {}


def one_sample(rounds: int) -> Iterator[Line]:
    """Processor time of one reading of a job and of its cores, by the threads of the job."""
    for threads in (1, 13, 100, 400):
        more = f"for _ in range({threads - 1}): threading.Thread(target=time.sleep, args=(600,)).start()"
        argv = [sys.executable, "-c", f"import threading, time\n{more}\nprint(1, flush=True)\ntime.sleep(600)"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as job:
            try:
                assert job.stdout and job.stdout.readline()
                yield f"a reading of the waiting of {threads} threads", _spent(rounds, job.pid), f"{10 * rounds}", ""
            finally:
                job.kill()
    groups, cores = control_groups.cpu_folders(control_groups.groups_of("self")), Cores(DEVICE.cores)
    yield "a reading of quotas", _spread(rounds, lambda: control_groups.throttled_s(groups)), f"{10 * rounds}", ""
    yield "a reading of a core", _spread(rounds, cores.read), f"{10 * rounds}", ""
    yield "the search for a job's processes", _spread(rounds, lambda: descendants(1)), f"{10 * rounds}", ""


def _spent(rounds: int, pid: int) -> str:
    queue = RunQueue()
    return _spread(rounds, lambda: queue.read(threads_of([pid])))


def _spread(rounds: int, action: Callable[[], object]) -> str:
    """Median and quartiles of this thread's processor time, milliseconds."""
    found = []
    for _ in range(10 * rounds):
        begin = time.thread_time()
        action()
        found.append(1e3 * (time.thread_time() - begin))
    low, middle, high = statistics.quantiles(found, n=4)
    return f"{middle:.3f} ms of processor time (quartiles {low:.3f} to {high:.3f})"


def epoch_overhead(rounds: int, scratch: Path, python: str, data: Path) -> Iterator[Line]:
    """An epoch of the MNIST MLP as a measured job against a plain Keras script, median of the steady epochs of each."""
    context = make_context(ROOT / "workloads", data)
    launcher = process_launcher(context, scratch, python)
    sizes = {"epochs": 8, "train": 12800, "validation": 2560}
    job = msgspec.structs.replace(JOB, workload="mnist_mlp", batch_size=128, **sizes)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "OMP_NUM_THREADS": "1"}
    flags = [f"--{name}={size}" for name, size in sizes.items()]
    argv = [python, str(Path(__file__).with_name("bare_keras.py")), job.workload, f"--data={data}", *flags]
    cores = ",".join(map(str, DEVICE.cores))
    ratios = []
    for i in range(rounds):

        def bare() -> float:
            answer = subprocess.run(["taskset", "-c", cores, *argv], capture_output=True, env=environment, check=True)
            return statistics.median(msgspec.json.decode(answer.stdout.splitlines()[-1])["epochs"][1:])

        def ours() -> float:
            result = measured(launcher, context.data, scratch / "epoch", job)
            return statistics.median(e["train_s"] + e["validation_s"] for e in result.epochs[1:])

        one, other = (bare(), ours()) if i % 2 == 0 else reversed((ours(), bare()))
        ratios.append(other / one)
    low, middle, high = statistics.quantiles(ratios, n=4)
    figure = f"{100 * (middle - 1):+.1f} % (quartiles {100 * (low - 1):+.1f} to {100 * (high - 1):+.1f})"
    yield "an epoch of a measured job against a bare Keras script", figure, f"{rounds}", "<= 1 %"
