"""`orchestrate run` on slices, on GPUs of one board, and on a card that reports errors; all over the stub driver."""

from __future__ import annotations

import itertools

import pytest

from tests.fakes import nvml_host
from tests.stubgpu.test_runs import finish, place, recorded, start  # noqa: F401

pytestmark = pytest.mark.slow


def test_an_error_that_programs_die_of_fails_the_job_and_corrected_ones_are_counted(place, k80, tmp_path):  # noqa: F811
    for gpu in (0, 1):
        k80.set(gpu, event_types=11, events="8:45")
    process = start(place, k80, tmp_path / "out", "--workload", "long_*", "--epochs", "2", module="orchestrator")
    for line in process.stderr:
        if "epoch 1/2" in line:
            break
    k80.set(0, events="8:45,8:31,1:0,1:0")
    k80.set(1, events="8:45,8:63,1:0")
    code, rows, _ = finish(process)
    by_gpu = {row["gpu_uuid"][:12]: row for row in rows if row["gpu_uuid"]}
    broken, marked = by_gpu["GPU-00000000"], by_gpu["GPU-00000001"]
    assert code == 1
    assert (broken["status"], broken["gpu_xids"], broken["gpu_ecc_corrected"]) == ("failed", "31", 2)
    assert broken["reason"].startswith("its GPU reported Xid 31 (memory page fault: an illegal address in a kernel)")
    assert (marked["status"], marked["gpu_xids"], marked["gpu_ecc_corrected"]) == ("ok", "63", 1)
    assert marked["gpu_ecc_uncorrected"] == 0
    (run,) = tmp_path.glob("out/2*")
    for name in ("report.html", "report.md"):
        text = (run / name).read_text()
        assert "1 job ran on a GPU that reported errors meanwhile" in text
        assert "Xid 63" in text and "1 memory error, corrected" in text


def test_slices_run_jobs_of_their_own_and_have_no_utilization(place, libraries, tmp_path):  # noqa: F811
    host = nvml_host.StubHost(libraries[580], tmp_path / "host", nvml_host.h200())
    host.set(0, mig=1)
    slices = [f"MIG-{i}{i}{i}" for i in (1, 2)]
    for i, uuid in enumerate(slices):
        host.set(f"0:{i}", uuid=uuid, name="NVIDIA H200 MIG 1g.18gb", instance=i, processes="none", gpm_2=50 + i)
        host.set(f"0:{i}", mem_total=16 * 2**30, mem_used=(i + 1) * 2**30)
    code, rows, stderr = finish(start(place, host, tmp_path / "out", "--workload", "long_*", "--epochs", "2"))
    done = {row["gpu_uuid"]: row for row in rows if row["status"] == "ok"}
    assert (code, sorted(done)) == (0, slices)
    for i, uuid in enumerate(slices):
        row = done[uuid]
        assert (row["gpu_name"], row["gpu_mem_peak_mb"]) == ("NVIDIA H200 MIG 1g.18gb", 1024.0 * (i + 1))
        assert {row[name] for name in ("gpu_util_mean", "gpu_power_mean_w", "energy_j")} == {None}
        assert row["gpu_sm_active"] == pytest.approx(50 + i)
        assert (row["gpu_temp_max_c"], row["gpu_shared"]) == (39.0, False)
        assert f"CUDA_VISIBLE_DEVICES={uuid}" in row["command"]
        assert f"{uuid} is a slice (MIG): the driver tells no utilization, power and energy of it" in stderr
    kept = [
        result["fingerprint"]["gpu_state"]["slice"] for result in recorded(tmp_path / "out") if result["fingerprint"]
    ]
    assert kept == ["a slice (MIG): the driver tells no utilization, power and energy of it"] * 2
    assert sorted(path.stem for path in (host.folder / "locks").glob("MIG-*.lock")) == slices


def test_gpus_of_one_board_run_one_job_at_a_time(place, k80, tmp_path):  # noqa: F811
    for gpu in (0, 1):
        k80.set(gpu, board=1)
    code, _, stderr = finish(start(place, k80, tmp_path / "out", "--workload", "exclusive_*", "--repeats", "2"))
    assert code == 0
    assert "GPU 0 and GPU 1 are on one board and share its power and heat: one job at a time" in stderr
    spans = sorted((r["launched_t"], r["exited_t"]) for r in recorded(tmp_path / "out") if r["status"] == "ok")
    assert len(spans) == 6
    for (_, ended), (begun, _) in itertools.pairwise(spans):
        assert ended <= begun
