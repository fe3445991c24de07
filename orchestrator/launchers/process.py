"""Runs a job as a plain process in the virtual environment of its stack: no engine, no isolation, same figures.

The lease is the same as a container's: a pipe is held open and its end is the job's end. Between the two stands a
keeper (see keeper.py), which ends whatever the job has started, also when the orchestrator is killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.launchers import keeper
from orchestrator.launchers.arguments import job_environment, script_arguments
from orchestrator.launchers.output import pump
from orchestrator.model import DataFile, Device, Exit, Job, Launch, Noun, Stack, Usage
from orchestrator.seams import Probe

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20
#: For a keeper to end what it keeps; below the 2 s within which a bound must hold.
GRACE_S = 1.5


class Interpreter(Noun, frozen=True, kw_only=True):
    """The Python of one stack's environment; `lock_sha256` names what is installed in it."""

    python: str
    lock_sha256: str
    env: dict[str, str] = {}
    keras_spec: str | None = None


class ProcessSuite(Noun, frozen=True, kw_only=True):
    """What the jobs of one run share. `cache_dir` outlives runs (compiled code), `tmp_dir` does not."""

    workloads_dir: str
    stacks: dict[str, Stack]
    interpreters: dict[str, Interpreter]
    data: dict[str, DataFile]
    cache_dir: str
    #: By job id, for jobs that are not run for the first time.
    attempts: dict[str, int] = {}


class ProcessLauncher:
    """`Launcher` over processes, each under a keeper in a session of its own."""

    def __init__(self, suite: ProcessSuite) -> None:
        self._suite = suite
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def describe(self, job: Job, device: Device, out: Path) -> Launch:
        environment, argv = self._environment(job, device, out), self._argv(job, out)
        assignments = [f"{key}={value}" for key, value in environment.items()]
        interpreter = self._suite.interpreters[job.stack]
        return Launch(
            launcher="process",
            command=["env", "-i", *assignments, *argv],
            image_digest=f"lock:sha256:{interpreter.lock_sha256}",
            keras_spec=interpreter.keras_spec,
        )

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit:
        if self._stopping.is_set():
            return Exit(cancelled=True)
        kills, argv = oom_kills(), self._argv(job, out)
        try:
            if not os.access(argv[0], os.X_OK):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
            process = subprocess.Popen(
                keeper_argv(device, argv),
                env=self._environment(job, device, out),
                cwd=out,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return Exit(error=f"cannot start {error.filename}: {error.strerror}")
        with self._tracked(process):
            timed_out = self._supervise(process, job.timeout_s, log, watch)
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        killed = code == 128 + signal.SIGKILL and not timed_out and not self._stopping.is_set()
        return Exit(
            code=code,
            timed_out=timed_out,
            oom=killed and oom_kills() > kills,
            cancelled=self._stopping.is_set(),
        )

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            _end(process)

    def _argv(self, job: Job, out: Path) -> list[str]:
        suite = self._suite
        data = suite.data[job.dataset]
        script = str(Path(suite.workloads_dir) / "run.py")
        return [
            suite.interpreters[job.stack].python,
            *script_arguments(job, data, script, data.path, str(out.absolute()), suite.attempts.get(job.id, 1)),
        ]

    def _environment(self, job: Job, device: Device, out: Path) -> dict[str, str]:
        """Nothing of the caller's environment but the search path and the locale."""
        suite = self._suite
        stack = suite.stacks[job.stack]
        home = str(out.absolute())
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": home,
            "TMPDIR": home,
            **stack.images[job.device].env,
            **job_environment(job, stack.backend(job.backend)),
            **suite.interpreters[job.stack].env,
            **visible(device),
        }
        caches = {
            cache.path: str(Path(suite.cache_dir) / stack.name / cache.name) for cache in stack.caches_for(job.device)
        }
        for inside, here in caches.items():
            Path(here).mkdir(parents=True, exist_ok=True)
            environment = {key: value.replace(inside, here) for key, value in environment.items()}
        if caches:
            environment["KERAS_ORCHESTRATE_CACHES"] = os.pathsep.join(caches.values())
        return environment

    @contextlib.contextmanager
    def _tracked(self, process: subprocess.Popen[bytes]):  # type: ignore[no-untyped-def]
        with self._lock:
            self._running.add(process)
        if self._stopping.is_set():  # stopped between the start and the line above
            _end(process)
        try:
            yield
        finally:
            _end(process)
            with self._lock:
                self._running.discard(process)

    def _supervise(
        self, process: subprocess.Popen[bytes], timeout_s: float, log: Path, watch: Callable[[Probe], None]
    ) -> bool:
        """Waits for the end; True when it had to be ended for its time."""
        deadline = time.monotonic() + timeout_s
        assert process.stdout is not None
        output = threading.Thread(target=pump, args=(iter(lambda: _read(process), b""), log), daemon=True)
        output.start()
        watch(lambda: read_usage(process.pid))
        timed_out = False
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = not self._stopping.is_set()
        _end(process)
        output.join(GRACE_S)
        if not output.is_alive():
            process.stdout.close()
        return timed_out


def visible(device: Device) -> dict[str, str]:
    """The one GPU that CUDA shows to a job, by its UUID: numbers change their meaning with CUDA_DEVICE_ORDER."""
    if device.uuid is None:
        return {}
    return {"CUDA_VISIBLE_DEVICES": device.uuid, "NVIDIA_VISIBLE_DEVICES": device.uuid}


def keeper_argv(device: Device, argv: list[str]) -> list[str]:
    """The job's command under its keeper, on the device's cores."""
    return [sys.executable, "-I", "-S", "-B", str(keeper.__file__), ",".join(map(str, device.cores)), *argv]


def read_usage(pid: int) -> Usage | None:
    """Processor time and resident memory of everything that a keeper has below it, from /proc."""
    cpu = resident = 0.0
    found = False
    for child in keeper.descendants(pid):
        try:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found = True
        cpu += sum(map(int, fields[11:15])) / TICKS
        resident += int(fields[21]) * PAGE / MIB
    return Usage(cpu_s=cpu, rss_mb=resident) if found else None


def oom_kills() -> int:
    """How many processes this kernel has killed for memory so far."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return os.read(process.stdout.fileno(), 65536)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the lease, which makes the keeper end everything; a keeper that does not is killed with its session."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
