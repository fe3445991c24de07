"""One holder at a time, whoever ends however; real processes and real locks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from orchestrator.errors import DeviceRefused, HostError
from orchestrator.host.leases import Leases, lock_folder
from tests.conftest import ROOT

HOLD = """
import sys, os
from pathlib import Path
from orchestrator.host.leases import Leases
if len(sys.argv) > 2:  # only now: the interpreter may lie where another user cannot read
    os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
with Leases(Path(sys.argv[1]), "run other").hold("GPU-1", lambda: False, print):
    print("held", flush=True)
    sys.stdin.read()
"""


def elsewhere(folder, *user):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *map(str, user)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "held\n"
    return process


def end(process):
    process.stdin.close()
    process.wait()


def take(leases, uuid="GPU-1"):
    """Takes a lease and gives it back at once; True if it had to wait, which it does not do."""
    waited = []
    try:
        with leases.hold(uuid, lambda: bool(waited), waited.append):
            return False, waited
    except DeviceRefused:
        return True, waited


def test_another_process_is_kept_out_and_told_who_holds_it(tmp_path):
    leases = Leases(tmp_path, "run mine")
    assert leases.holder("GPU-1") is None
    process = elsewhere(tmp_path)
    refused, who = take(leases)
    assert refused
    assert len(who) == 1
    assert f"run other, process {process.pid}" in who[0]
    assert leases.holder("GPU-1") == who[0]
    assert take(leases, "GPU-2") == (False, [])
    end(process)
    assert take(leases) == (False, [])
    assert leases.holder("GPU-1") is None


def test_a_killed_holder_leaves_nothing_behind(tmp_path):
    process = elsewhere(tmp_path)
    process.kill()
    process.wait()
    process.stdin.close()
    assert take(Leases(tmp_path, "mine")) == (False, [])


def test_threads_of_one_process_exclude_each_other_too(tmp_path):
    leases = Leases(tmp_path, "mine")
    inside, most, order = [], [], threading.Lock()

    def work():
        for _ in range(20):
            with leases.hold("GPU-1", lambda: False, lambda who: None):
                with order:
                    inside.append(1)
                    most.append(len(inside))
                with order:
                    inside.pop()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 40


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_another_user_is_kept_out_too(tmp_path):
    folder = tmp_path / "locks"
    for parent in (tmp_path, *tmp_path.parents):
        if str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    assert take(Leases(folder, "mine")) == (False, [])  # makes the folder and the file, as root
    process = elsewhere(folder, 65534)
    assert take(Leases(folder, "mine"))[0]
    end(process)
    (folder / "GPU-1.lock").unlink()
    process = elsewhere(folder, 65534)  # the file is nobody's now, in a folder that all may write to
    assert take(Leases(folder, "mine"))[0]
    end(process)
    assert take(Leases(folder, "mine")) == (False, [])


def test_a_link_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostError, match="is no folder"):
        take(Leases(tmp_path / "locks", "mine"))


def test_a_link_in_the_files_place_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "GPU-1.lock").symlink_to(tmp_path / "secret")
    with pytest.raises(HostError, match=r"GPU-1\.lock"):
        take(Leases(tmp_path, "mine"))
    assert (tmp_path / "secret").read_text() == "mine"


def test_a_uuid_cannot_leave_the_folder(tmp_path):
    assert take(Leases(tmp_path / "locks", "mine"), "../../GPU") == (False, [])
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["______GPU.lock"]


def test_every_user_of_a_host_comes_to_the_same_folder():
    assert str(lock_folder({"KERAS_ORCHESTRATE_LOCK_DIR": "/x"})) == "/x"
    assert str(lock_folder({})) in ("/run/lock/keras-orchestrate", "/tmp/keras-orchestrate-locks")


def test_a_lock_file_that_somebody_removes_is_not_locked_twice(tmp_path, monkeypatch):
    """Whoever made the folder may remove what is in it, between the opening of a lock file and its lock."""
    leases = Leases(tmp_path, "run mine")
    opened, real = [], Leases._open

    def removed_once(self, uuid):
        descriptor = real(self, uuid)
        if not opened:
            self._path(uuid).unlink()
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr(Leases, "_open", removed_once)
    with leases.hold("GPU-1", lambda: False, print):
        monkeypatch.undo()
        assert Leases(tmp_path, "run other").holder("GPU-1") is not None
    assert len(opened) == 2


def test_what_another_user_puts_in_the_place_of_a_lock_file_neither_hangs_nor_is_written_to(tmp_path):
    """It is looked at in a process of its own, which is ended where it hangs."""
    look = "import sys; from pathlib import Path; from orchestrator.host.leases import Leases\n"
    look += "with Leases(Path(sys.argv[1]), 'mine').hold('GPU-1', lambda: False, print): print('held')"
    path, precious = tmp_path / "GPU-1.lock", tmp_path / "precious"
    precious.write_text("precious")
    for put in (lambda: os.mkfifo(path, 0o444), lambda: os.mkfifo(path, 0o666), lambda: path.hardlink_to(precious)):
        put()
        argv = [sys.executable, "-c", look, str(tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)
        assert "is no lock file" in done.stderr, done.stderr
        path.unlink()
    assert precious.read_text() == "precious"
