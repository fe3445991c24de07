"""Other users of this host, with whole runs of real processes: what a job leaves, and what lies in a shared cache."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fakes import second_user
from tests.fakes.roots import make_cpu_root, make_data
from tests.fakes.runs import Bench, wait_for


@pytest.fixture
def shared():
    with second_user.shared_folder() as folder:
        yield folder


def test_what_a_process_leaves_is_never_reached_by_another_user(shared):
    bench = Bench(shared, ["setuid"])
    process = bench.start(*bench.run())
    try:
        (shell,) = wait_for(lambda: [p for p in bench.out.glob("2*/jobs/*/out/shell") if p.stat().st_mode & 0o4000])
        seen = second_user.does(shell, "-c", "id -u")
        assert seen.returncode == 126 and "Permission denied" in seen.stderr
        assert second_user.does("ls", shell.parent).returncode != 0
        (shell.parent / "go").touch()
    finally:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert not shell.parent.exists()
    assert second_user.does("cat", shell.parent.parent / "result.json").returncode == 0, "results are as open as ever"


def run(folder, cache, *more, **options):
    """A run of a stub whose environment is made of nothing but an interpreter."""
    root = make_cpu_root(folder / "root", ["good"])
    words = ["--config", "smoke", "--root", root, "--data-dir", make_data(folder / "data"), "--out", folder / "results"]
    words += ["--no-fetch", "--launcher", "process", "--stack", "stub", *more]
    argv = [sys.executable, "-m", "tests.fakes.no_report", "run", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache), "HOME": str(folder)}
    return subprocess.run(argv, capture_output=True, text=True, env=environment, **options)


def test_an_environment_that_another_user_made_in_a_shared_cache_is_not_run(shared):
    cache = shared / "cache"
    cache.mkdir()
    cache.chmod(0o1777)
    mark = shared / "mark"
    place = cache / "keras-orchestrate" / "venvs" / "stub-cpu-e3b0c44298fc" / "bin"
    second_user.does("mkdir", "-p", place)
    script = f"echo '#!/bin/sh\nid -u > {mark}' > {place}/python; chmod 755 {place}/python"
    assert second_user.does("sh", "-c", script).returncode == 0
    ended = run(shared, cache)
    assert ended.returncode == 3, ended.stderr
    assert f"{cache}/keras-orchestrate belongs to user 12345, not to you" in ended.stderr
    assert "XDG_CACHE_HOME=DIR" in ended.stderr and "Traceback" not in ended.stderr
    assert not mark.exists()


def test_a_stranger_in_ones_own_cache_is_found_before_anything_starts(shared):
    venvs = shared / "cache" / "keras-orchestrate" / "venvs"
    venvs.mkdir(parents=True)
    venvs.chmod(0o777)
    second_user.does("mkdir", venvs / "stub-cpu-e3b0c44298fc")
    for mode, words in [(0o777, "can be written to by other users"), (0o755, "belongs to user 12345")]:
        venvs.chmod(mode)
        ended = run(shared / f"{mode:o}", shared / "cache")
        assert (ended.returncode, words in ended.stderr) == (3, True), ended.stderr
    words = ["doctor", "--launcher", "process", "--out", str(shared / "results")]
    answer = subprocess.run(
        [sys.executable, "-m", "orchestrator", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(shared / "cache")},
    )
    assert answer.returncode == 3 and "belongs to user 12345" in answer.stdout
