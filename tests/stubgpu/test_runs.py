"""`orchestrate run` from end to end on GPUs that are not there: real NVML, sampler, leases, merge and report."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys

import msgspec
import pytest

from orchestrator.host.leases import Leases
from orchestrator.model import Result
from orchestrator.results import gpu_figures, gpu_readings
from tests.conftest import ROOT
from tests.fakes import roots

pytestmark = pytest.mark.slow
WORKLOADS = ["long_a", "long_b", "exclusive_a", "exclusive_b", "exclusive_c"]


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A catalogue of stub workloads, data, and a cache that all runs share."""
    folder = tmp_path_factory.mktemp("runs")
    roots.make_gpu_root(folder / "root", WORKLOADS)
    roots.make_data(folder / "data")
    return folder


def start(place, host, out, *words, module="tests.fakes.no_report"):
    argv = [sys.executable, "-m", module, "run", "--device", "gpu", "--launcher", "process", "--scale", "smoke"]
    argv += ["--root", str(place / "root"), "--data-dir", str(place / "data"), "--no-fetch", "--json"]
    home = {"HOME": str(place), "XDG_CACHE_HOME": str(place / "cache"), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*argv, "--out", str(out), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**host.environment, **home},
    )


def finish(process):
    stdout, stderr = process.communicate(timeout=300)
    assert "Traceback" not in stderr, stderr
    return process.returncode, json.loads(stdout)["results"] if stdout else [], stderr


def recorded(out):
    """The raw results of every run below `out`."""
    return [json.loads(path.read_text()) for path in out.glob("2*/jobs/*/result.json")]


def told(t):
    return (10, 90)[int(t / 0.8) % 2]


@pytest.fixture(scope="module")
def good(place, libraries, tmp_path_factory):
    """One good run on the K80 host, whose second GPU is throttled and shared with a stranger."""
    from tests.fakes import nvml_host

    folder = tmp_path_factory.mktemp("good")
    host = nvml_host.StubHost(libraries[470], folder / "host", nvml_host.k80())
    host.set(0, util="steps:0.8:10,90", power_mw=100000, mem_used=3 * 2**30, pcie_sent=2048, pcie_received=512 * 1024)
    host.set(1, util=70, power_mw=90000, throttle="0x40", processes=f"{os.getpid()}:1048576")
    words = ["--workload", "long_*", "--epochs", "3", "--allow-busy"]
    code, rows, stderr = finish(start(place, host, folder / "results", *words, module="orchestrator"))
    (run,) = folder.glob("results/2*")
    return code, {row["job_id"]: row for row in rows}, stderr, run


def test_the_callers_choice_of_gpus_is_obeyed_and_said(place, libraries, tmp_path):
    from tests.fakes import nvml_host

    host = nvml_host.StubHost(libraries[470], tmp_path / "host", nvml_host.k80())
    words = ["--stack", "stub-old", "--workload", "long_a", "--repeats", "2"]
    argv = start(place, ChosenHost(host, "1"), tmp_path / "results", *words)
    code, rows, stderr = finish(argv)
    assert code == 0
    assert "CUDA_VISIBLE_DEVICES=1 leaves GPU 1 of 2" in stderr
    assert {row["gpu_uuid"] for row in rows} == {host.state[1, "uuid"]}


class ChosenHost:
    """A stub host whose caller has set CUDA_VISIBLE_DEVICES."""

    def __init__(self, host, value):
        self.environment = {**host.environment, "CUDA_VISIBLE_DEVICES": value}


def test_a_gpu_that_shares_the_hosts_memory_has_none_of_its_own(place, libraries, tmp_path):
    """GB10: the driver tells no memory of the card. What is absent stays absent, and the job's host memory is told."""
    from tests.fakes import nvml_host

    host = nvml_host.StubHost(libraries[580], tmp_path / "host", nvml_host.h200(1))
    host.set(0, name="NVIDIA GB10", capability="12.1", mem_total=None, mem_used=None, mem_reserved=None)
    words = ["--stack", "stub-today", "--workload", "long_a", "--epochs", "2"]
    code, (row,), _ = finish(start(place, host, tmp_path / "results", *words))
    assert (code, row["gpu_name"], row["gpu_mem_peak_mb"]) == (0, "NVIDIA GB10", None)
    assert row["rss_peak_mb"] > 1 and row["gpu_util_mean"] is not None
    argv = [sys.executable, "-m", "orchestrator", "doctor", "--device", "gpu", "--launcher", "process"]
    argv += ["--root", str(place / "root"), "--data-dir", str(place / "data"), "--stack", "stub-today"]
    said = subprocess.run(argv, env=host.environment, capture_output=True, text=True, cwd=tmp_path).stdout
    assert "memory of GPU 0 NVIDIA GB10: the driver tells none: a GPU that shares the host's memory" in " ".join(
        said.split()
    )


def by_gpu(rows, index):
    (row,) = [r for r in rows.values() if r["gpu_uuid"] and r["gpu_uuid"].startswith(f"GPU-{index:08x}")]
    return row


def test_both_gpus_work_and_what_does_not_fit_is_said(good):
    code, rows, stderr, _ = good
    assert code == 0
    assert sorted(row["status"] for row in rows.values()) == ["ok", "ok", "unsupported", "unsupported"]
    reasons = {row["reason"] for row in rows.values() if row["status"] == "unsupported"}
    assert reasons == {"CUDA 13.0 needs driver 580.65.06 or newer, this host has 470.256.02"}
    assert "on Tesla K80 (compute capability 3.7): stub-old (theano); not stub-today (jax)" in stderr


def test_rows_carry_every_figure_of_the_gpu(good):
    row = by_gpu(good[1], 0)
    assert row["driver"] == "470.256.02"
    assert 30 < row["gpu_util_mean"] < 70
    assert {row["gpu_util_p50"], row["gpu_util_p95"]} <= {10.0, 90.0}
    assert row["gpu_samples_n"] >= 15  # 4.5 s of the driver's own record
    assert (row["gpu_mem_peak_mb"], row["gpu_power_mean_w"]) == (3072.0, pytest.approx(100.0))
    assert row["sm_clock_mean"] == pytest.approx(562.0)
    # 3 epochs of 1.51 s at 100 W: too short a time for the power sensor of a Kepler.
    assert (row["energy_source"], row["energy_j"]) == (None, None)
    assert (row["gpu_util_source"], row["gpu_sample_hz"]) == ("record", pytest.approx(5.0, rel=0.3))
    assert (row["throttle_reasons"], row["gpu_shared"], row["gpu_temp_max_c"]) == ("", False, 40.0)


def test_a_throttled_and_shared_gpu_is_marked_everywhere(good):
    _, rows, _, run = good
    row = by_gpu(rows, 1)
    assert (row["status"], row["throttle_reasons"], row["gpu_shared"]) == ("ok", "hw_thermal", True)
    result = json.loads((run / "jobs" / row["job_id"] / "result.json").read_text())
    assert f"process {os.getpid()}" in result["fingerprint"]["gpu_busy"]
    for name in ("report.html", "report.md"):
        text = (run / name).read_text()
        assert "Disturbed while measured: 1 job of 2. " in text
        assert re.search(
            r"ran on a GPU that slowed itself down for 4\.\d+ s \(\d+ %\) of its epochs \(hw\\?_thermal\)", text
        )
        assert re.search(r"had strangers on its GPU for 4\.\d+ s \(\d+ %\) of its epochs", text)


def test_the_report_shows_the_curve_that_the_driver_was_told_to_show(good):
    _, rows, _, run = good
    row = by_gpu(rows, 0)
    result = json.loads((run / "jobs" / row["job_id"] / "result.json").read_text())
    result = msgspec.convert(result, Result)
    readings = gpu_readings.read(run, row["gpu_uuid"], result.launched_t, result.exited_t)
    points = [point for point in gpu_figures.chart_rows(result, readings) if point["util"] is not None]
    assert len(points) >= 15
    for point in points:
        t = result.launched_t + point["t_s"]
        if 0.05 < t % 0.8 < 0.75:  # not where rounding and two clocks may put it on either side
            assert point["util"] == told(t)
    assert {point["util"] for point in points} == {10.0, 90.0}
    assert [mark["epoch"] for mark in gpu_figures.epoch_marks(result)] == [1, 2, 3]
    page = (run / "report.html").read_text()
    assert 'id="chart-gpu"' in page and 'id="chart-inside-gpu"' in page
    assert "received by PCIe: mean 512 MiB/s, at most 512 MiB/s; sent by PCIe: mean 2 MiB/s" in page


def test_the_raw_series_is_kept(good):
    import duckdb

    run = good[3]
    assert not list(run.glob("gpu-*.jsonl"))
    kinds = duckdb.sql(f"select uuid, kind, count(*) from '{run / 'gpu-1.parquet'}' group by all").fetchall()
    assert len(kinds) == 4
    assert all(count >= 15 for _, _, count in kinds)


def test_the_record_says_how_the_gpu_was_handed_over(good):
    _, rows, _, run = good
    row = by_gpu(rows, 0)
    fingerprint = json.loads((run / "jobs" / row["job_id"] / "result.json").read_text())["fingerprint"]
    assert (fingerprint["gpu_route"], fingerprint["compute_capability"]) == ("CUDA_VISIBLE_DEVICES", "3.7")
    assert f"CUDA_VISIBLE_DEVICES={row['gpu_uuid']}" in row["command"]
    pinned = [result["fingerprint"]["pinned_cores"] for result in recorded(run.parent)]
    if len(os.sched_getaffinity(0)) >= 2:
        assert not set(pinned[0]) & set(pinned[1])


def test_a_gpu_lost_in_mid_run_fails_its_job_and_the_run_goes_on(place, k80, tmp_path):
    process = start(place, k80, tmp_path / "out", "--workload", "long_*", "--repeats", "2", "--epochs", "2")
    for line in process.stderr:
        if "epoch 1/2" in line:
            break
    k80.set(0, all="!15")
    code, rows, _ = finish(process)
    meant = [row for row in rows if row["status"] != "unsupported"]
    assert code == 1
    assert sorted(row["status"] for row in meant) == ["failed", "ok", "ok", "ok"]
    (failed,) = [row for row in meant if row["status"] == "failed"]
    assert failed["reason"] == "its GPU was lost while it ran: GPU is lost"
    assert failed["gpu_uuid"].startswith("GPU-00000000")
    assert {row["gpu_uuid"][:12] for row in meant if row["status"] == "ok"} == {"GPU-00000001"}


def test_a_gpu_that_a_stranger_uses_is_refused(place, k80, tmp_path):
    for gpu in (0, 1):
        k80.set(gpu, processes=f"{os.getpid()}:1048576")
    code, rows, stderr = finish(start(place, k80, tmp_path / "out", "--workload", "exclusive_a"))
    assert code == 3
    assert {row["status"] for row in rows} == {"unsupported"}
    reason = next(row["reason"] for row in rows if row["stack"] == "stub-old")
    assert f"in use by process {os.getpid()} (" in reason
    assert "--allow-busy" in reason
    assert "in use by" in stderr


def test_one_busy_gpu_leaves_the_work_to_the_other(place, k80, tmp_path):
    k80.set(0, processes=f"{os.getpid()}:1048576")
    code, rows, _ = finish(start(place, k80, tmp_path / "out", "--workload", "exclusive_*"))
    done = [row for row in rows if row["status"] == "ok"]
    assert (code, len(done)) == (0, 3)
    assert {row["gpu_uuid"][:12] for row in done} == {"GPU-00000001"}
    assert {row["gpu_shared"] for row in done} <= {False, None}  # not told, for a job shorter than a look at processes


def test_two_orchestrators_at_once_never_share_a_gpu(place, k80, tmp_path):
    words = ["--workload", "exclusive_*", "--repeats", "2"]
    both = [start(place, k80, tmp_path / name, *words) for name in ("first", "second")]
    answers = [finish(process) for process in both]
    for code, rows, _ in answers:
        done = [row for row in rows if row["stack"] == "stub-old"]
        assert code == 0, {row["reason"] for row in done}
        assert [row["status"] for row in done] == ["ok"] * 6
        assert True not in {row["gpu_shared"] for row in done}
    results = recorded(tmp_path / "first") + recorded(tmp_path / "second")
    spans = [
        (r["fingerprint"]["gpu_uuid"], r["launched_t"], r["exited_t"]) for r in results if r["status"] == "ok"
    ]  # fmt: skip
    assert len(spans) == 12
    # Which of the two ran more on which is theirs to find out; a slow start may leave one of them a single GPU.
    assert {gpu[:12] for gpu, _, _ in spans} == {"GPU-00000000", "GPU-00000001"}
    for (gpu, _, ended), (other, begun, _) in itertools.pairwise(sorted(spans)):
        assert gpu != other or ended <= begun
    assert not list((place / "data").glob("*.in-use"))


def test_a_stopped_run_keeps_its_readings_and_gives_its_gpus_back(place, k80, tmp_path):
    process = start(place, k80, tmp_path / "out", "--workload", "long_*")
    for line in process.stderr:
        if "epoch 1/2" in line:
            break
    process.send_signal(2)
    stdout, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert {row["status"] for row in json.loads(stdout)["results"]} == {"cancelled", "unsupported"}
    assert list(tmp_path.glob("out/2*/gpu-1.parquet"))
    locks = Leases(k80.folder / "locks", "test")
    assert [locks.holder(k80.state[gpu, "uuid"]) for gpu in (0, 1)] == [None, None]
