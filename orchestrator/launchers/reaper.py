"""Runs a command; when it or the orchestrator ends, kills every process it started.

    python reaper.py        The order comes on standard input, once there is something to run: see `order_text`.

A job may put its children into sessions of their own; they then belong to no group that could be killed. But whoever
is orphaned becomes a child of the nearest "subreaper", which this process is, so all of them can be found. Standard
input is the lifeline, which the orchestrator holds: when it ends, everything is killed. The exit code is the command's,
128 + n for signal n.

A container is no child of the command that asked an engine for it. The final command of an order removes it: it runs
when the lifeline has ended, and when the command has, before everything else below is killed.

Needs nothing but the standard library, and little of that: a job may wait for its start, and it runs beside a
measurement. So it takes the modules below `signal` and `threading`, and does without contextlib: these three load enum,
functools and collections, which take longer than all that is done here.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _thread
import ctypes
import os
import sys
import time

TYPE_CHECKING = False  # the module typing takes too long
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PR_SET_CHILD_SUBREAPER = 36
PAUSE_S = 0.01
#: Limit of the final command; and what an engine may need to act upon a request of a command that was just killed.
FINALLY_S, IN_FLIGHT_S = 10.0, 0.3
#: Ignored by Python itself; a command expects them as they are.
DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


#: Digits that say how long an order is.
DIGITS = 8


def order_text(
    folder: str, cores: Iterable[int], final: Iterable[str], environment: Mapping[str, str], argv: Iterable[str]
) -> bytes:
    """An order: where to run a command and on which cores, its final command, its environment, and itself.

    Raises ValueError for what no command can be given: a null byte, a variable whose name has a "=".
    """
    if any("=" in key for key in environment):
        raise ValueError("a variable's name has a =")
    pairs = [f"{key}={value}" for key, value in environment.items()]
    text = b""
    for words in ([folder], [",".join(map(str, cores))], list(final), pairs, list(argv)):
        encoded = [os.fsencode(word) for word in words]
        if any(b"\0" in word for word in encoded):
            raise ValueError("embedded null byte")
        text += b"\0".join([b"%d" % len(words), *encoded, b""])
    return b"%0*d" % (DIGITS, len(text)) + text


def order_of(text: bytes) -> tuple[str, str, list[str], dict[str, str], list[str]]:
    """What `order_text` was given, the cores as text."""
    words = iter(os.fsdecode(text).split("\0"))
    folder, cores, final, pairs, argv = ([next(words) for _ in range(int(next(words)))] for _ in range(5))
    return folder[0], cores[0], final, dict(pair.split("=", 1) for pair in pairs), argv


def received(count: int) -> bytes:
    """So many bytes of standard input; fewer where it ends before."""
    found = b""
    while len(found) < count:
        some = os.read(0, count - len(found))
        if not some:
            break
        found += some
    return found


def descendants(top: int) -> list[int]:
    """Every living process below `top`, nearest first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal():
            try:
                # Bytes, as a process may call itself by a name that is no text.
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 (pathlib costs more than all the rest)
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if state != b"Z":
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
            send(number, pid)


def send(number: int, pid: int) -> None:
    """Signals a process, if it is still there and ours."""
    try:  # noqa: SIM105 (contextlib is what is not loaded here)
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def run_quietly(argv: list[str], environment: Mapping[str, str]) -> None:
    """Runs the final command to its end, or kills it at its limit."""
    try:
        nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=nothing, setsigdef=DEFAULT_SIGNALS)
        end = time.monotonic() + FINALLY_S
        while os.waitpid(pid, os.WNOHANG)[0] == 0:  # the main thread may have seen its end first: an OSError, too
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            time.sleep(PAUSE_S)
    except OSError:
        pass


def watch_lifeline(child: int, end: Callable[[], None] | None, killing: _thread.LockType) -> None:
    """Waits for the end of standard input, then ends everything below this process, again and again."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    if end:
        send(signal.SIGKILL, child)
        with killing:
            end()
            time.sleep(IN_FLIGHT_S)
    while True:  # the main thread ends this process when all are gone
        with killing:
            end_all()
        time.sleep(PAUSE_S)


def reap_all() -> None:
    """Kills and collects what is below this process until nothing is left."""
    try:
        while True:
            end_all()
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(PAUSE_S)
    except ChildProcessError:  # there is none any more
        pass


def main() -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    length = received(DIGITS)
    text = received(int(length or 0))
    if not text or len(text) < int(length):  # the lifeline has ended before there was anything to run
        return int(128 + signal.SIGKILL)
    return carried_out(*order_of(text))


def carried_out(folder: str, cores: str, final: list[str], environment: dict[str, str], argv: list[str]) -> int:
    """Runs a command as ordered until nothing of it is left; gives its exit code."""
    try:  # noqa: SIM105
        os.sched_setaffinity(0, map(int, cores.split(",")))
    except OSError:
        pass
    lifeline, held = os.pipe()  # the command's own: it ends with this process
    try:
        os.chdir(folder)
    except OSError as error:
        print(f"cannot work in {folder}: {error.strerror}", file=sys.stderr)
        return 127
    try:
        child = os.posix_spawn(
            argv[0],
            argv,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, lifeline, 0)],
            setsigdef=DEFAULT_SIGNALS,
        )
    except OSError as error:
        print(f"cannot start {argv[0]}: {error.strerror}", file=sys.stderr)
        return 127
    os.close(lifeline)
    end = (lambda: run_quietly(final, environment)) if final else None
    killing = _thread.allocate_lock()
    _thread.start_new_thread(watch_lifeline, (child, end, killing))
    pid = status = 0
    while pid != child:
        pid, status = os.waitpid(-1, 0)
    if end:
        with killing:
            end()
    reap_all()
    os.close(held)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main())
