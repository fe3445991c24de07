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


def words_of(folder, out):
    """A run of a stub whose environment is made of nothing but an interpreter."""
    root = make_cpu_root(folder / "root", ["good"])
    words = ["run", "--config", "smoke", "--root", root, "--data-dir", make_data(folder / "data"), "--out", out]
    return list(map(str, [*words, "--no-fetch", "--launcher", "process", "--stack", "stub"]))


def run(folder, cache, *more, **options):
    argv = [sys.executable, "-m", "tests.fakes.no_report", *words_of(folder, folder / "results"), *map(str, more)]
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


def test_a_results_folder_of_two_users(shared):
    """One's job that runs is closed to the other, who is told whose run is `latest`, and cleans up what is his."""
    results, home = shared / "results", shared / "home"
    for folder, mode in ((results, 0o1777), (home, 0o755)):
        folder.mkdir()
        folder.chmod(mode)
    os.chown(home, second_user.UID, second_user.UID)
    *before, program = second_user.python()

    def other(*words):
        argv = [*before, f"HOME={home}", program, "-m", "tests.fakes.no_report", *map(str, words)]
        return subprocess.run(argv, capture_output=True, text=True, cwd=home)

    bench = Bench(shared / "bench", ["held"])
    bench.out = results
    process = bench.start(*bench.run())
    try:
        (events,) = wait_for(lambda: list(results.glob("2*/jobs/*/out/events.jsonl")))
        ended = other(*words_of(shared / "theirs", results))
        assert ended.returncode == 0, ended.stderr
        assert f"{results}/latest is not this run" in " ".join(ended.stderr.split())
        (own,) = (path for path in results.glob("2*/jobs/good*") if path.stat().st_uid == second_user.UID)
        second_user.does("mkdir", own / "out")
        cleaned = other("clean", "--out", results)
        assert (cleaned.returncode, (own / "out").exists()) == (0, False), cleaned.stderr
        refused = other("report", events.parents[3])
        assert refused.returncode == 2
        assert "is closed to you" in refused.stderr and "until the job has ended" in " ".join(refused.stderr.split())
        (events.parent / "go").touch()
    finally:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert other("verify", events.parents[3]).returncode == 0


def test_whatever_the_umask_nobody_else_can_write_to_a_run_or_what_it_starts_from(shared):
    ended = run(shared, shared / "cache", umask=0)
    assert ended.returncode == 0, ended.stderr
    made = [*(shared / "results").rglob("*"), *(shared / "cache").rglob("*")]
    made = [path for path in made if path.name != ".lock"]  # uv's, which hold nothing
    assert [path for path in made if not path.is_symlink() and path.stat().st_mode & 0o002] == []
    assert len(made) > 20
