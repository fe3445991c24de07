"""Whose a process on a GPU is: by its command line, and nobody's where that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys

from orchestrator.host.processes import identify, in_words, present
from orchestrator.model import GpuProcess


class Driver:
    """As much of `Nvml` as is asked here."""

    def __init__(self, found):
        self.found = found

    def processes(self, uuid):
        return self.found


def test_a_job_is_known_by_its_command_line(tmp_path):
    script = tmp_path / "run.py"
    script.write_text("import sys; print(flush=True); sys.stdin.read()")
    argv = [sys.executable, str(script), "mnist_mlp", "--job", "a.b.c.gpu.1"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        found = identify(process.pid)
        process.stdin.close()
    assert (found.job, found.pid) == ("a.b.c.gpu.1", process.pid)
    assert found.command.startswith(" ".join(argv)[:120])


def test_others_are_no_jobs_and_a_process_that_is_gone_has_no_name():
    assert identify(os.getpid()).job is None
    assert identify(2**22 + 1) == GpuProcess(pid=2**22 + 1)


def test_a_driver_that_lists_no_processes_has_none():
    assert present(Driver(None), "GPU-1") == []
    (found,) = present(Driver([(os.getpid(), 12.5)]), "GPU-1")
    assert (found.pid, found.memory_mb) == (os.getpid(), 12.5)


def test_processes_in_words():
    assert in_words([]) == ""
    words = in_words([GpuProcess(pid=7, command="python x.py"), GpuProcess(pid=8)])
    assert words == "process 7 (python x.py), process 8"
