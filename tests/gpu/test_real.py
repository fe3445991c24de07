"""On a real GPU: its driver, the sampler, and all five workloads on JAX and PyTorch. `make test-gpu`."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import time
from pathlib import Path

import pytest

from orchestrator.host import nvml
from orchestrator.measure.gpu_sampler import Sampler
from orchestrator.results import gpu_readings
from tests import cells
from tests.conftest import ROOT

pytestmark = pytest.mark.gpu
#: The run is kept here, to be looked at, and to be made a replay test (tests/replay/record.py).
OUT = Path(os.environ.get("KERAS_ORCHESTRATE_GPU_OUT") or ROOT / "results" / "test-gpu")


@pytest.fixture(scope="module")
def gpus():
    try:
        with nvml.session() as session:
            found = session.devices()
    except nvml.NvmlMissing as error:
        pytest.skip(f"no NVIDIA GPU: {error.message}")
    if not found:
        pytest.skip("no NVIDIA GPU: the driver answers but lists none")
    return found


@pytest.fixture(scope="module")
def rows(gpus):
    """One row per cell: five workloads on two backends, three short epochs each."""
    shutil.rmtree(OUT, ignore_errors=True)
    words = ["--config", "modern", "--backend", "jax", "--backend", "torch", "--device", "gpu", "--launcher", "process"]
    words += ["--scale", "quick", "--epochs", "3", "--timeout", "45s"]
    code, found, stderr = cells.run(OUT, *words)
    print(stderr)
    for row in found:
        figures = ("status", "epoch_s", "gpu_util_mean", "gpu_util_p95", "gpu_samples_n", "gpu_mem_peak_mb")
        figures += ("gpu_power_mean_w", "energy_j", "energy_source", "sm_clock_mean", "throttle_reasons")
        print(row["job_id"], {name: row[name] for name in figures})
    assert code == 0, cells.reasons(found)
    return found


def test_the_driver_answers(gpus):
    with nvml.session() as session:
        for gpu in session.devices():
            print(gpu, session.read(gpu.uuid), session.processes(gpu.uuid), len(session.buffered(gpu.uuid, 0)[0]))
    assert all(gpu.uuid and gpu.driver and gpu.compute_capability for gpu in gpus)


def test_what_the_sampler_costs_with_a_real_driver(gpus, tmp_path):
    sampler = Sampler([gpu.uuid for gpu in gpus], tmp_path / "gpu-1.jsonl")
    sampler.start()
    time.sleep(2)
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(10)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    sampler.stop()
    samples = gpu_readings.read(tmp_path, gpus[0].uuid, 0, float("inf"))
    polls = [s.t for s in samples if s.kind == "poll"]
    gaps = [after - before for before, after in itertools.pairwise(polls)]
    print(f"{len(gpus)} GPUs: {100 * cpu / wall:.2f} % of a core; median gap {1e3 * statistics.median(gaps):.0f} ms")
    assert sampler.failure == ""
    assert len(polls) > 10


def test_all_five_workloads_run_on_the_gpu(rows):
    assert {(row["workload"], row["backend"]) for row in rows} == {
        (workload, backend) for workload in cells.PARAMETERS for backend in ("jax", "torch")
    }
    assert {row["status"] for row in rows} == {"ok"}
    assert all(row["parameters"] == cells.PARAMETERS[row["workload"]] for row in rows)
    assert all(row["gpu_uuid"] for row in rows)


def test_the_gpu_was_used_and_seen_from_outside(rows):
    seen = [row for row in rows if row["gpu_samples_n"]]
    assert seen
    assert all(0 <= row["gpu_util_mean"] <= 100 for row in seen)
    assert any(row["gpu_util_p95"] > 0 for row in seen)
    assert all(row["gpu_mem_peak_mb"] > 100 for row in seen)  # a CUDA context alone takes more
    assert not any(row["gpu_shared"] for row in rows)
