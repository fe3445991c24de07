"""Whose a process on a GPU is: by its command line, and nobody's where that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orchestrator.host.processes import HOSTS_OWN, exists, identify, in_words, present, told, unknown
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


def test_a_driver_that_lists_no_processes_has_not_told():
    assert present(Driver(None), "GPU-1") is None
    assert present(Driver([]), "GPU-1") == []


GONE, HERE = 2**22 + 1, os.getpid()


@pytest.mark.parametrize(
    ("listed", "numbering", "known"),
    [
        ([HERE], HOSTS_OWN, [HERE]),
        ([HERE, GONE], HOSTS_OWN, [HERE, GONE]),  # one has just ended
        ([GONE], HOSTS_OWN, None),
        ([], "pid:[4026532001]", []),
        ([HERE], "pid:[4026532001]", None),  # by chance a number that somebody has here, too
        ([GONE], "pid:[4026532001]", None),
    ],
)
def test_only_numbers_of_this_host_say_whose_a_process_is(listed, numbering, known):
    found = told([(pid, 12.5) for pid in listed], identify, numbering)
    assert known == (None if found is None else [process.pid for process in found])
    assert all(process.memory_mb == 12.5 for process in found or [])


def test_in_a_container_a_job_of_ours_proves_that_numbers_are_its_own():
    def known(pid):
        return GpuProcess(pid=pid, job="a.b.c.gpu.1" if pid == HERE else None)

    found = told([(HERE, 1.0), (GONE, 2.0)], known, "pid:[4026532001]")
    assert [process.pid for process in found] == [HERE], "and a number that is nobody's here is left out"


def test_what_nobody_can_name_is_a_hint():
    assert unknown([]) == unknown(None) == ""
    assert unknown([(GONE, 100.0)]).startswith("1 process with 100 MiB, by numbers that are not")
    assert unknown([(GONE, 100.0), (GONE, None)]).startswith("2 processes with 100 MiB")


def test_another_users_process_exists():
    assert exists(1) and exists(HERE)
    assert not exists(GONE) and not exists(2**70)


def test_processes_in_words():
    assert in_words([]) == ""
    words = in_words([GpuProcess(pid=7, command="python x.py"), GpuProcess(pid=8)])
    assert words == "process 7 (python x.py), process 8"
