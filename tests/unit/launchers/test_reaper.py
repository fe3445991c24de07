"""The process between the orchestrator and a job: it leaves nothing of the job, however either of them ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from orchestrator.launchers import reaper
from tests.make import alive

pytestmark = pytest.mark.slow
CORE = min(os.sched_getaffinity(0))


def start(tmp_path, *command):
    """A command under a reaper, with a final command that leaves a line."""
    return run(*command, final=["/bin/sh", "-c", f"echo done >> {tmp_path}/final"])


def run(*command, final=(), folder="/"):
    """A command under a reaper; its lifeline is standard input."""
    order = reaper.order_text(folder, [CORE], final, {"PATH": os.defpath}, command)
    argv = [sys.executable, reaper.__file__]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write(os.fsdecode(order))
    process.stdin.flush()
    return process


def test_the_final_command_follows_the_commands_own_end(tmp_path):
    process = start(tmp_path, "/bin/sh", "-c", "echo out; exit 7")
    assert process.stdout.read() == "out\n"
    assert process.wait(20) == 7
    assert (tmp_path / "final").read_text() == "done\n"


def test_the_final_command_runs_when_the_lifeline_ends_and_again_when_the_command_is_gone(tmp_path):
    process = start(tmp_path, "/bin/sh", "-c", "trap '' TERM; echo ready; sleep 600")
    assert process.stdout.readline() == "ready\n"
    process.stdin.close()
    assert process.wait(20) == 128 + signal.SIGKILL
    assert (tmp_path / "final").read_text() == "done\ndone\n"


def test_a_final_command_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(reaper, "FINALLY_S", 0.2)
    begun = time.monotonic()
    reaper.run_quietly(["/bin/sleep", "600"], {})
    reaper.run_quietly(["/nowhere/program"], {})
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("final", [[], ["/bin/rm", "-f", "a name"]])
def test_an_order_is_read_as_it_was_written(final):
    environment = {"A": "", "B": "x=y\n", "C": "\udcff"}
    argv = ["/bin/true", "", "\n", "12"]
    text = reaper.order_text("/a b", [0, 2], final, environment, argv)
    assert int(text[: reaper.DIGITS]) == len(text) - reaper.DIGITS
    assert reaper.order_of(text[reaper.DIGITS :]) == ("/a b", "0,2", final, environment, argv)


@pytest.mark.parametrize(
    ("environment", "argv"),
    [({}, ["/bin/echo", "a\0b"]), ({"A": "\0001\0/bin/id"}, ["/bin/echo"]), ({"A=B": "1"}, ["/x"])],
)
def test_what_no_command_can_be_given_is_no_order(environment, argv):
    with pytest.raises(ValueError, match=r"null byte|has a ="):
        reaper.order_text("/", [CORE], [], environment, argv)


@pytest.mark.parametrize("kept", [0, 3, reaper.DIGITS, -1])
def test_without_a_whole_order_it_ends_and_runs_nothing(tmp_path, kept):
    order = reaper.order_text("/", [CORE], [], {}, ["/bin/touch", f"{tmp_path}/ran"])[:kept]
    done = subprocess.run([sys.executable, reaper.__file__], input=order, capture_output=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGKILL, b"", b"")
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_there_is_said():
    process = run("/bin/true", folder="/nowhere")
    assert process.communicate(timeout=20) == ("", "cannot work in /nowhere: No such file or directory\n")
    assert process.returncode == 127


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_the_exit_code_is_the_commands(script, code):
    assert run("/bin/sh", "-c", script).wait(20) == code


def test_a_command_that_is_not_there_is_said():
    process = run("/nowhere/program")
    assert process.communicate(timeout=20) == ("", "cannot start /nowhere/program: No such file or directory\n")
    assert process.returncode == 127


def test_the_command_runs_on_its_cores_and_waits_on_a_lifeline_of_its_own():
    """Were it the reaper's own standard input, a job that reads it could swallow what ends the reaper."""
    code = "import os; print(os.sched_getaffinity(0), flush=True); os.read(0, 1)"
    with run(sys.executable, "-c", code) as process:
        assert process.stdout.readline() == f"{{{CORE}}}\n"
        process.stdin.write("not for the command")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.close()
        assert process.wait(20) == 128 + signal.SIGKILL


def test_what_has_left_its_session_is_killed_when_the_command_ends():
    process = run("/bin/sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!; sleep 0.3")
    orphan = int(process.stdout.readline())
    assert process.wait(20) == 0
    assert not alive(orphan)


def test_everything_is_killed_when_the_lifeline_ends():
    process = run("/bin/sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!; trap '' TERM; sleep 600")
    orphan = int(process.stdout.readline())
    process.stdin.close()
    assert process.wait(20) == 128 + signal.SIGKILL
    assert not alive(orphan)


def test_descendants_are_all_below_nearest_first():
    with subprocess.Popen(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE) as shell:
        grandchild = int(shell.stdout.readline())
        found = reaper.descendants(os.getpid())
        assert found.index(shell.pid) < found.index(grandchild)
        assert reaper.descendants(shell.pid) == [grandchild]
        for pid in (grandchild, shell.pid):
            os.kill(pid, signal.SIGKILL)
    assert grandchild not in reaper.descendants(os.getpid())
