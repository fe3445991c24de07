"""Runs one command and, once it or whoever started this is gone, leaves no process of it.

    python keeper.py CORES COMMAND [ARGUMENT...]        CORES: 0,1,...

A job may put its children into sessions of their own; they then belong to no group that could be killed. But whoever
is orphaned becomes a child of the nearest "subreaper", which this process is, so all of them can be found. Standard
input is the lease: when it ends, everything ends. The exit code is the command's, 128 + n for signal n.

Needs nothing but the standard library, and little of that: it runs beside a measurement.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
PAUSE_S = 0.01
#: Ignored by Python itself; a command expects them as they are.
DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


def descendants(top: int) -> list[int]:
    """Every living process below `top`, nearest first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                with open(f"/proc/{name}/stat") as file:  # noqa: PTH123 (pathlib costs more than all the rest)
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(name))
    found = list(children.get(top, ()))
    for pid in found:
        found += children.get(pid, ())
    return found


def end_all() -> None:
    """Kills what is below this process; stopped first, so that nothing forks meanwhile."""
    found = descendants(os.getpid())
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def watch_lease() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    while True:  # the main thread ends this process when all are gone
        end_all()
        time.sleep(PAUSE_S)


def reap_all() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            end_all()
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(PAUSE_S)


def main(argv: list[str]) -> int:
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, map(int, argv[0].split(",")))
    lease, held = os.pipe()  # the job's own lease: it ends with this process
    try:
        child = os.posix_spawn(
            argv[1],
            argv[1:],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, lease, 0)],
            setsigdef=DEFAULT_SIGNALS,
        )
    except OSError as error:
        print(f"cannot start {argv[1]}: {error.strerror}", file=sys.stderr)
        return 127
    os.close(lease)
    threading.Thread(target=watch_lease, daemon=True).start()
    pid = status = 0
    while pid != child:
        pid, status = os.waitpid(-1, 0)
    reap_all()
    os.close(held)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
