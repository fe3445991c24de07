"""Commands under a reaper: exit codes, time limits, and an end for all of them at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.launchers import reaper, supervise, sweep
from orchestrator.launchers.supervise import Command, ProcessProbe, Supervisor, ended, give_order, new_reaper, oom_kills

pytestmark = pytest.mark.slow
CORE = min(os.sched_getaffinity(0))


def command(*argv, **changes):
    fields = {"argv": argv, "environment": {"PATH": os.defpath}, "folder": "/", "cores": [CORE]}
    return Command(**{**fields, **changes})


def run(supervisor, tmp_path, script, timeout_s=60.0, watch=lambda probe: None, **changes):
    return supervisor.run(command("/bin/sh", "-c", script, **changes), timeout_s, tmp_path / "log", watch)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 128 + signal.SIGKILL)])
def test_exit_codes_and_output(tmp_path, script, code):
    assert run(Supervisor(), tmp_path, f"echo out; echo err >&2; {script}") == (code, False)
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_environment_and_folder_are_the_given_ones(tmp_path):
    run(Supervisor(), tmp_path, "pwd; echo $A; echo $HOME", environment={"A": "1"}, folder=str(tmp_path))
    assert (tmp_path / "log").read_text().splitlines() == [str(tmp_path), "1", ""]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_relative_folder_is_that_of_the_caller(tmp_path, monkeypatch, ahead):
    supervisor = Supervisor(ahead)
    run(supervisor, tmp_path, "exit 0")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run(supervisor, tmp_path, "pwd", folder="sub") == (0, False)
    assert (tmp_path / "log").read_text() == f"{tmp_path}/sub\n"


def test_a_command_that_exceeds_its_time_is_killed_and_said_to_be(tmp_path):
    code, timed_out = run(Supervisor(), tmp_path, "trap '' TERM; echo begun; sleep 600", timeout_s=1.0)
    assert (code, timed_out) == (128 + signal.SIGKILL, True)
    assert (tmp_path / "log").read_text() == "begun\n"


def test_stop_ends_all_that_run_without_calling_it_a_timeout(tmp_path):
    supervisor, begun, ends = Supervisor(), threading.Barrier(4), []

    def one(number):
        def watch(probe):
            begun.wait(30)

        ends.append(supervisor.run(command("/bin/sleep", "600"), 600, tmp_path / f"{number}", watch))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    begun.wait(30)
    supervisor.stop()
    for thread in threads:
        thread.join(30)
    assert supervisor.stopping.is_set()
    assert ends == [(128 + signal.SIGKILL, False)] * 3


def test_what_starts_while_it_is_stopped_ends_at_once(tmp_path):
    supervisor = Supervisor()
    supervisor.stop()
    assert run(supervisor, tmp_path, "sleep 600") == (128 + signal.SIGKILL, False)


def test_a_command_that_cannot_be_started_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        run(Supervisor(), tmp_path, "true", folder="/nowhere")


def test_the_probe_reads_what_all_processes_of_the_command_use(tmp_path):
    seen = []

    def watch(probe):
        end = time.monotonic() + 30
        while time.monotonic() < end and (not seen or seen[-1] is None or seen[-1].cpu_s < 0.05):
            seen.append(probe())
            time.sleep(0.02)

    busy = f"{sys.executable} -c 'import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass'"
    run(Supervisor(), tmp_path, busy, watch=watch)
    assert seen[-1].cpu_s >= 0.05
    assert seen[-1].rss_mb > 1


def test_a_probe_of_ones_own_is_made_from_the_reapers_number(tmp_path):
    numbers = []

    def probe_of(pid):
        numbers.append(pid)
        return lambda: None

    assert Supervisor().run(command("/bin/true"), 60, tmp_path / "log", lambda probe: None, probe_of) == (0, False)
    assert len(numbers) == 1


def test_without_processes_there_is_no_reading():
    with pytest.raises(ProcessLookupError):
        os.kill(2**22 + 1, 0)
    assert ProcessProbe(2**22 + 1)() is None


def test_the_final_command_runs_when_the_command_has_ended(tmp_path):
    final = ["/bin/sh", "-c", f"echo $A > {tmp_path}/final"]
    assert run(Supervisor(), tmp_path, "exit 3", final=final, environment={"A": "its own"}) == (3, False)
    assert (tmp_path / "final").read_text() == "its own\n"


def parents(supervisor, tmp_path, times=3):
    """The reapers that commands had, one after another."""
    seen = []
    for _ in range(times):
        supervisor.run(command("/bin/true"), 60, tmp_path / "log", lambda p: None, lambda pid: seen.append(pid))
    return seen


def test_a_reaper_is_ready_before_its_command_and_has_one_command_only(tmp_path):
    supervisor = Supervisor(ahead=True)
    run(supervisor, tmp_path, "exit 0")
    (waiting,) = supervisor._spare
    assert parents(supervisor, tmp_path)[0] == waiting.pid
    assert len({waiting.pid, *parents(supervisor, tmp_path)}) == 4


def test_a_waiting_reaper_has_none_of_our_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "S3CRET")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/python/lib")
    supervisor = Supervisor(ahead=True)
    run(supervisor, tmp_path, "echo [$LD_LIBRARY_PATH]")
    assert (tmp_path / "log").read_text() == "[]\n"
    with contextlib.ExitStack() as later:
        later.callback(supervisor.stop)
        environment = Path(f"/proc/{supervisor._spare[0].pid}/environ").read_bytes()
    assert b"LD_LIBRARY_PATH=/opt/python/lib" in environment and b"S3CRET" not in environment


def test_a_waiting_reaper_that_was_killed_costs_no_command(tmp_path):
    supervisor = Supervisor(ahead=True)
    run(supervisor, tmp_path, "exit 0")
    (waiting,) = supervisor._spare
    waiting.kill()
    os.waitid(os.P_PID, waiting.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has asked for it yet
    assert run(supervisor, tmp_path, "exit 7") == (7, False)
    assert waiting.returncode == -signal.SIGKILL


def test_an_order_larger_than_a_pipe_is_given_and_waits_for_nobody(tmp_path):
    long = "x" * 300_000
    argv = command("/bin/sh", "-c", "echo ${#A} ${#B} ${#C}", environment={"A": long[:100_000], "B": long[:120_000]})
    assert Supervisor().run(argv, 60, tmp_path / "log", lambda probe: None) == (0, False)
    assert (tmp_path / "log").read_text() == "100000 120000 0\n"
    process = new_reaper()
    process.send_signal(signal.SIGSTOP)
    give_order(process, long.encode())
    process.kill()
    process.communicate()


def test_a_limit_of_weeks_is_one(tmp_path):
    assert run(Supervisor(), tmp_path, "exit 0", timeout_s=1e9) == (0, False)


@pytest.mark.parametrize("end", ["stopped", "gone"])
def test_a_waiting_reaper_ends_with_its_supervisor(tmp_path, end):
    supervisor = Supervisor(ahead=True)
    run(supervisor, tmp_path, "exit 0")
    (waiting,) = supervisor._spare
    if end == "stopped":
        supervisor.stop()
    del supervisor
    assert waiting.returncode == 128 + signal.SIGKILL
    assert waiting.stdout.closed


def without_pidfd(monkeypatch, known):
    if known == "not by the kernel":
        monkeypatch.setattr(os, "pidfd_open", lambda pid: os.close(-1))  # an OSError
    if known == "not by Python":  # some are built so
        monkeypatch.delattr(os, "pidfd_open")


@pytest.mark.parametrize("known", ["yes", "not by the kernel", "not by Python"])
def test_the_end_of_a_process_is_waited_for_without_looking_again_and_again(known, monkeypatch):
    without_pidfd(monkeypatch, known)
    limits = []
    with subprocess.Popen(["/bin/sleep", "0.3"]) as process:
        wait = process.wait
        process.wait = lambda limit=None: (limits.append(limit), wait(limit))[1]
        assert ended(process, time.monotonic() + 60)
    assert process.returncode == 0
    assert (limits[0] == 0) is (known == "yes")


@pytest.mark.parametrize("known", ["yes", "not by the kernel", "not by Python"])
def test_a_process_that_goes_on_has_not_ended(known, monkeypatch):
    without_pidfd(monkeypatch, known)
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        assert not ended(process, time.monotonic() + 0.2)
        assert not ended(process, time.monotonic() - 1)
        process.kill()
    assert ended(process, time.monotonic() + 60)


def test_the_number_of_an_ended_process_is_not_asked_for(monkeypatch):
    with subprocess.Popen(["/bin/true"]) as process:
        pass
    monkeypatch.setattr(os, "pidfd_open", lambda pid: pytest.fail("it may be another process by now"))
    assert ended(process, time.monotonic() + 60)


def test_kills_for_memory_are_the_kernels_own_count(monkeypatch, tmp_path):
    assert oom_kills() >= 0
    (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 12\n")
    monkeypatch.setattr(supervise, "Path", lambda path: tmp_path / "vmstat")
    assert oom_kills() == 12
    (tmp_path / "vmstat").write_text("an older kernel counts none\n")
    assert oom_kills() == 0


def test_a_process_may_call_itself_by_a_name_that_is_no_text(tmp_path):
    """It would end the sampling of every job beside it, and the reaper."""
    name = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'n\\xe9m\\xff')"
    program = f"{name}; print('named', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"named\n"
        assert child.pid in reaper.descendants(os.getpid())
        usage = ProcessProbe(os.getpid())()
        assert usage is not None and usage.rss_mb > 1
        assert sweep._start_time(child.pid).isdecimal()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
