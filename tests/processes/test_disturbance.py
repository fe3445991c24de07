"""Disturbances made on purpose, with real processes and this kernel: each is found, and put at its size.

The job tells by its own processor clock how much it really had, so what is right does not depend on what else the
host does: what it lacked is what it did not have of the time in which it wanted all of its core.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from orchestrator.launchers.process import Interpreter, ProcessLauncher
from orchestrator.measure.job import SAMPLES, measure
from orchestrator.model import Device, Sample
from orchestrator.results.rows import epoch_rows, result_row
from orchestrator.results.samples import Readings
from tests.conftest import ROOT
from tests.fakes.roots import make_cpu_root, make_data, make_script
from tests.make import identify, make_context, make_job

pytestmark = pytest.mark.slow
CORE = min(os.sched_getaffinity(0))
SPIN = "while True: pass"
QUOTAS = Path("/sys/fs/cgroup")


def run(folder, workload="burn", epochs=4):
    """The result of a stub job on CORE, its row and its epochs, as they are recorded."""
    make_script(folder / "workloads")
    (folder / "mnist.npz").write_bytes(b"data")
    context = make_context(folder / "workloads", folder / "mnist.npz")
    launcher = ProcessLauncher(
        context, {"keras2-theano": Interpreter(python=sys.executable, lock_sha256="0" * 64)}, folder / "cache"
    )
    job = make_job(workload=workload, epochs=epochs)
    result = measure(
        job,
        Device(kind="cpu", name="cpu:0", cores=[CORE]),
        launcher=launcher,
        folder=folder / "job",
        run_id="run",
        identify=identify(context),
        on_event=lambda job, event: None,
    )
    assert result.status == "ok"
    lines = (folder / "job" / SAMPLES).read_bytes().splitlines()
    samples = Readings.of([msgspec.json.decode(line, type=Sample) for line in lines])
    return result, result_row(result, samples), epoch_rows([result], samples={job.id: samples})


def really_lost(result):
    """Seconds that the job wanted in its steady epochs and did not have, by its own clock."""
    return sum(epoch["train_s"] - epoch["used_s"] for epoch in result.epochs[1:])


@contextlib.contextmanager
def beside(*argv):
    """Another process on the same core."""
    other = subprocess.Popen(["taskset", "-c", str(CORE), *argv])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def counted(row):
    if row["wait_s"] is None:
        pytest.skip("this kernel does not count how long threads wait (/proc/PID/schedstat)")
    return row


def test_a_busy_loop_on_the_jobs_core_is_found_and_put_at_its_size(tmp_path):
    with beside(sys.executable, "-c", SPIN):
        result, row, epochs = run(tmp_path)
    lost = really_lost(result)
    assert lost > 1  # two that want one core
    assert counted(row)["lost_s"] == pytest.approx(lost, rel=0.25)
    assert row["lost_percent"] == pytest.approx(100 * lost / sum(e["train_s"] for e in result.epochs[1:]), rel=0.25)
    assert "others on its cores" in row["disturbed"] and "quota" not in row["disturbed"]
    assert row["disturbed_epochs"] == 3 and all(epoch["disturbed"] for epoch in epochs[1:])
    assert row["slept"] is False


def test_a_second_run_on_the_same_core_is_found_in_both(tmp_path):
    found = {}
    threads = [
        threading.Thread(target=lambda name=name: found.update({name: run(tmp_path / name)})) for name in ("a", "b")
    ]
    for thread in threads:
        (tmp_path / ("a" if thread is threads[0] else "b")).mkdir()
        thread.start()
    for thread in threads:
        thread.join()
    for result, row, _ in found.values():
        assert counted(row)["lost_s"] == pytest.approx(really_lost(result), rel=0.3)
        assert "others on its cores" in row["disturbed"]


@pytest.fixture
def quota():
    """Puts this process into a group that may use a tenth of a core, and out of it again."""
    first = QUOTAS / "cpu"
    top = first if (first / "cpu.cfs_quota_us").exists() or (first / "cgroup.procs").exists() else QUOTAS
    group = top / f"keras-orchestrate-test-{os.getpid()}"
    try:
        group.mkdir()
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text("10000 100000")
        else:
            (group / "cpu.cfs_quota_us").write_text("10000")
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no CPU quota can be set here: {error}")
    home = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    own = next((path for names, path in home.items() if "cpu" in names.split(",")), home.get("", "/"))
    (group / "cgroup.procs").write_text(str(os.getpid()))
    yield 0.1
    (top / own.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))
    group.rmdir()


def test_a_quota_is_found_and_put_at_its_size(tmp_path, quota):
    result, row, _ = run(tmp_path, epochs=3)
    lost = really_lost(result)
    assert lost > 1
    if sum(epoch["used_s"] for epoch in result.epochs[1:]) < 0.5 * quota * (lost / (1 - quota)):
        pytest.skip("others left the job so little that no quota had to hold it back")
    assert row["throttled_s"] > 0.25 * lost
    assert row["lost_s"] == pytest.approx(lost, rel=0.25)
    assert "CPU quota" in row["disturbed"]
    assert row["slept"] is False


def test_sleep_is_the_jobs_own_and_not_the_others_fault(tmp_path):
    result, row, epochs = run(tmp_path, "doze")
    slept = 0.5 * 1.2 * 3
    assert row["idle_s"] == pytest.approx(slept, rel=0.4)
    assert counted(row)["lost_s"] < 0.5 * really_lost(result)
    assert row["slept"] is True and [epoch["slept"] for epoch in epochs] == [True] * 4


def test_waiting_for_ones_own_threads_is_not_the_others_fault(tmp_path):
    """Four processes of one job on one core wait three quarters of their time, and nobody took anything from them."""
    result, row, _ = run(tmp_path, "crowd")
    counted(row)
    assert row["wait_s"] > 2 * sum(epoch["train_s"] for epoch in result.epochs[1:])
    assert row["lost_s"] <= row["others_s"] + row["steal_s"] + 0.01
    assert row["lost_s"] < 0.5 * row["wait_s"]


def orchestrate(tmp_path, *more):
    """A whole run of two repeats of the stub job: what was printed, and the report in Markdown and HTML."""
    root, data = make_cpu_root(tmp_path / "root", ["burn"]), make_data(tmp_path / "data")
    words = ["run", "--config", "smoke", "--launcher", "process", "--stack", "stub", "--repeats", "2", "--no-fetch"]
    folders = ["--root", root, "--out", tmp_path / "results", "--data-dir", data]
    argv = [sys.executable, "-m", "orchestrator", *map(str, [*words, *folders, *more])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    answer = subprocess.run(argv, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr
    made = tmp_path / "results" / "latest"
    return answer.stdout, (made / "report.md").read_text(), (made / "report.html").read_text()


def test_a_run_on_a_host_made_busy_names_the_disturbed_cells_on_its_first_screen(tmp_path):
    with beside(sys.executable, "-c", SPIN):
        printed, markdown, page = orchestrate(tmp_path)
    made = tmp_path / "results" / "latest"
    rows = json.loads((made / "results.json").read_text())["results"]
    for row in map(counted, rows):
        assert row["disturbed"] == "others on its cores" and row["lost_s"] > 0.3
    assert "Disturbed while measured: 2 jobs of 2. Theano 1.0 on burn lacked " in printed
    said = next(line for line in markdown.splitlines() if line.startswith("Disturbed while measured: 2 jobs of 2. "))
    assert "2 of 2 repeats" in said and "Disturbed while measured: 2 jobs of 2. " in page
    screen = page[page.index("<h1") : page.index("<nav")]
    (cell,) = re.findall(r'<td [^>]*data-verdict="none".*?</td>', screen)
    assert re.search(r'<span class="tag">disturbed \d+ %</span>', cell)
    assert "disturbed" in next(line for line in markdown.splitlines() if line.startswith("| **Theano 1.0**"))
    assert "disturbed_epochs" in (made / "results.csv").read_text().splitlines()[0]
    assert "others on its cores" in (made / "epochs.csv").read_text()


def test_a_run_under_a_quota_says_so_before_it_starts_and_on_record(tmp_path, quota):
    argv = [sys.executable, "-m", "orchestrator", "doctor", "--config", "smoke", "--launcher", "process"]
    answer = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert "CPU quota: 0.1 cores' time" in answer.stdout
    result, row, _ = run(tmp_path, epochs=1)
    assert result.fingerprint.cpu_quota == row["cpu_quota"] == quota
