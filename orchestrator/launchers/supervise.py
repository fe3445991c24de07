"""Runs commands under a reaper (reaper.py); `Supervisor.stop` ends all of them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
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
#: Seconds that are waited at a time: a limit of weeks is more milliseconds than a poll can count.
LONG_S = 86400.0
#: What a pipe takes without anybody reading.
PIPE = 65536
#: Where a Python's own libraries may be found.
LIBRARIES = ("LD_LIBRARY_PATH",)


class Command(Noun, frozen=True, kw_only=True):
    """What to run, and on which cores. `final` is the command that removes what is no child of it (see reaper.py)."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    cores: Sequence[int]
    final: Sequence[str] = ()
    grace_s: float = GRACE_S


class Supervisor:
    """Runs commands, from any number of threads at once; `stopping` is set once `stop` was called.

    `ahead`: when a command has ended, a reaper is started for the next one, which so need not wait for a Python.
    """

    def __init__(self, ahead: bool = False) -> None:
        self._ahead = ahead
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[subprocess.Popen[bytes], float] = {}
        #: Reapers without an order: one at most. They end with this supervisor.
        self._spare: list[subprocess.Popen[bytes]] = []
        weakref.finalize(self, _dismiss, self._spare)

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
        folder = Path(command.folder).absolute()  # a reaper was started elsewhere
        order = reaper.order_text(str(folder), command.cores, command.final, command.environment, command.argv)
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", command.folder)
        process = self._ordered(order)
        with self._tracked(process, command.grace_s):
            watch(probe_of(process.pid) if probe_of else ProcessProbe(process.pid))
            timed_out = self._supervise(process, timeout_s, log, command.grace_s)
        self._keep_spare()
        return process.returncode if process.returncode >= 0 else 128 - process.returncode, timed_out

    def stop(self) -> None:
        """Ends all commands that run, at the same time."""
        self.stopping.set()
        with self._lock:
            running = dict(self._running)
        for process in running:
            _end_lifeline(process)
        _dismiss(self._spare)
        for process, grace_s in running.items():
            _end(process, grace_s)

    def _ordered(self, order: bytes) -> subprocess.Popen[bytes]:
        """A reaper that has its order: the spare one, if it is there and lives, else a new one."""
        with self._lock:
            spare = self._spare.pop() if self._spare else None
        if spare:
            try:
                give_order(spare, order)
            except OSError:
                _dismiss([spare])
            else:
                return spare
        process = new_reaper()
        with contextlib.suppress(OSError):  # it is gone, and its end tells it
            give_order(process, order)
        return process

    def _keep_spare(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # the next command says why none can be started
            if self._ahead and not self._spare and not self.stopping.is_set():
                self._spare.append(new_reaper())

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
        timed_out = not ended(process, deadline) and not self.stopping.is_set()
        _end(process, grace_s)
        output.join(GRACE_S)
        if not output.is_alive():
            process.stdout.close()
        return timed_out


def new_reaper() -> subprocess.Popen[bytes]:
    """A reaper that waits for its order, in a session of its own. Of our environment it has what its Python needs."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", str(reaper.__file__)],
        env={key: os.environ[key] for key in LIBRARIES if key in os.environ},
        cwd="/",
        bufsize=0,  # nothing waits in here: the lifeline can be ended at any time
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Waits for the end of a process; False where it has not ended at `deadline` (CLOCK_MONOTONIC).

    `Popen.wait` with a limit looks 20 times a second, which is up to 0.05 s of every job.
    """
    if process.poll() is not None:  # its number may be another's by now
        return True
    with contextlib.suppress(OSError, AttributeError):  # a kernel before 5.3, or one that forbids it; some Pythons
        descriptor = os.pidfd_open(process.pid)
        try:
            watched = select.poll()
            watched.register(descriptor, select.POLLIN)
            while (left := deadline - time.monotonic()) > 0 and not watched.poll(math.ceil(1e3 * min(left, LONG_S))):
                pass
        finally:
            os.close(descriptor)
    try:
        process.wait(0 if process.poll() is not None else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def give_order(process: subprocess.Popen[bytes], order: bytes) -> None:
    """Tells a reaper what to run, whether it reads by now or not. Raises OSError for one that is gone."""
    assert process.stdin is not None
    if len(order) > PIPE:
        with contextlib.suppress(OSError):  # of a user with too many large pipes: then it is waited for
            fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, len(order))
    view = memoryview(order)
    while view:
        view = view[process.stdin.write(view) :]


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


def _dismiss(spare: list[subprocess.Popen[bytes]]) -> None:
    """Ends the reapers that were kept for a command to come."""
    while True:
        try:
            process = spare.pop()
        except IndexError:  # a command has taken it meanwhile
            return
        _end(process, GRACE_S)
        assert process.stdout is not None
        process.stdout.close()


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ends the lifeline, so that the reaper kills everything; a reaper that does not is killed with its session."""
    _end_lifeline(process)
    if not ended(process, time.monotonic() + grace_s):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
