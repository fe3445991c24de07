"""Runs commands under a reaper (reaper.py); `Supervisor.stop` ends all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.host import control_groups
from orchestrator.host.run_queue import Pace, RunQueue, threads_of
from orchestrator.launchers import reaper
from orchestrator.launchers.launcher import Probe
from orchestrator.launchers.log import pump
from orchestrator.model import Noun, Usage

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20
#: Seconds for a reaper to kill what is below it; a timeout must take effect within 2 s.
GRACE_S = 1.5


class Command(Noun, frozen=True, kw_only=True):
    """What to run, and on which cores. `final` is the command that removes what is no child of it (see reaper.py)."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    cores: Sequence[int]
    final: Sequence[str] = ()
    grace_s: float = GRACE_S


class Supervisor:
    """Runs commands, from any number of threads at once; `stopping` is set once `stop` was called."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[subprocess.Popen[bytes], float] = {}

    def run(
        self,
        command: Command,
        timeout_s: float,
        log: Path,
        watch: Callable[[Probe], None],
        probe_of: Callable[[int], Probe] | None = None,
    ) -> tuple[int, bool]:
        """Runs one command to its end: (exit code, 128 + n for signal n; whether its time was up).

        Its output goes to `log`; `watch` is given a probe of it, which `probe_of` makes from the reaper's process id
        (default: reads all processes below the reaper). Raises OSError if it cannot be started.
        """
        process = subprocess.Popen(
            reaper_argv(command),
            env=command.environment,
            cwd=command.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with self._tracked(process, command.grace_s):
            watch(probe_of(process.pid) if probe_of else ProcessProbe(process.pid))
            timed_out = self._supervise(process, timeout_s, log, command.grace_s)
        return process.returncode if process.returncode >= 0 else 128 - process.returncode, timed_out

    def stop(self) -> None:
        """Ends all commands that run, at the same time."""
        self.stopping.set()
        with self._lock:
            running = dict(self._running)
        for process in running:
            _end_lifeline(process)
        for process, grace_s in running.items():
            _end(process, grace_s)

    @contextlib.contextmanager
    def _tracked(self, process: subprocess.Popen[bytes], grace_s: float) -> Iterator[None]:
        """Makes the process known to `stop` for the block, and ends it at the end."""
        with self._lock:
            self._running[process] = grace_s
        if self.stopping.is_set():  # stopped between the start and the line above
            _end(process, grace_s)
        try:
            yield
        finally:
            _end(process, grace_s)
            with self._lock:
                self._running.pop(process, None)

    def _supervise(self, process: subprocess.Popen[bytes], timeout_s: float, log: Path, grace_s: float) -> bool:
        """Waits for the end, or ends it when its time is up; whether it was ended for that."""
        deadline = time.monotonic() + timeout_s
        assert process.stdout is not None
        output = threading.Thread(target=pump, args=(iter(lambda: _read(process), b""), log), daemon=True)
        output.start()
        timed_out = False
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = not self.stopping.is_set()
        _end(process, grace_s)
        output.join(GRACE_S)
        if not output.is_alive():
            process.stdout.close()
        return timed_out


def reaper_argv(command: Command) -> list[str]:
    """The command line of the reaper that runs the command on its cores."""
    final = ["--finally", str(len(command.final)), *command.final] if command.final else []
    cores = ",".join(map(str, command.cores))
    return [sys.executable, "-I", "-S", "-B", str(reaper.__file__), *final, cores, *command.argv]


class ProcessProbe:
    """Reads what everything below process `pid` uses and lacks, from /proc; None if nothing is there."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._queue = RunQueue()
        self._groups = control_groups.cpu_folders(control_groups.groups_of(pid))
        self._quota = control_groups.quota_cores(self._groups)
        self._below: list[int] = []
        self._pace = Pace()

    def __call__(self) -> Usage | None:
        cpu = resident = 0.0
        found = []
        for child in self._processes():
            try:
                # Bytes: a process may call itself by a name that is no text.
                fields = Path(f"/proc/{child}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            found.append(child)
            cpu += sum(map(int, fields[11:15])) / TICKS
            resident += int(fields[21]) * PAGE / MIB
        if not found:
            return None
        wait_s = self._queue.read(threads_of(found)) if self._queue.pace.due() else None
        return Usage(
            cpu_s=cpu,
            rss_mb=resident,
            wait_s=wait_s,
            throttled_s=control_groups.throttled_s(self._groups),
            cpu_quota=self._quota,
        )

    def _processes(self) -> list[int]:
        """Those below; on a host of thousands, whose search is dear, for a moment those that were found last."""
        if self._pace.due() or not self._below:
            with self._pace.spending():
                self._below = reaper.descendants(self._pid)
        return self._below


def oom_kills() -> int:
    """How many processes this kernel has killed for memory so far."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_bytes().splitlines():
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    return 0


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return os.read(process.stdout.fileno(), 65536)


def _end_lifeline(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ends the lifeline, so that the reaper kills everything; a reaper that does not is killed with its session."""
    _end_lifeline(process)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
