"""A run on the cluster is the same as a local one, row for row, but for node, times and use of the machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from orchestrator import __version__
from orchestrator.results.columns import COLUMNS, HOST_METRICS
from tests.cluster.conftest import User
from tests.fakes.pythons import KERAS, KERAS_BACKEND, fake_python, stub_libraries

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
#: Where, when, how long, and how busy the machine was.
MAY_DIFFER = {
    *("run_id", "host", "cluster", "started", "ended", "wall_s", "setup_s", "command", "cache"),
    *("first_epoch_s", "epoch_s", "epoch_s_min", "epoch_s_max", "epoch_s_article", "validation_s", "samples_per_s"),
    *("process_rss_peak_mb", "gpu_samples_n", "gpu_sample_hz", "gpu_util_source", "gpu_uuid"),
    *("energy_j", "energy_source", "gpu_power_mean_w", "sm_clock_mean", "gpu_shared"),
    *("gpu_util_mean", "gpu_util_p50", "gpu_util_p95", "gpu_throttled_s", "gpu_throttled_percent"),
    *("cpu_energy_j", "cpu_energy_source"),
    *("product_error", "convolution_error"),  # of rounding, which need not repeat itself to the bit
    *("start_s", "import_s", "data_s", "build_s", "steady_s", "validated_s", "exit_s"),
    *("gpu_power_average_w", "gpu_power_instant_w", "gpu_power_instant_max_w", "gpu_mem_job_mb"),
    *("gpu_sm_active", "gpu_sm_occupancy", "gpu_tensor_active", "gpu_dram_active"),
    *("gpu_pcie_sent_mib_s", "gpu_pcie_received_mib_s"),
    *("gpu_shared_s", "gpu_shared_percent", *(metric.column for metric in HOST_METRICS)),
    "cores",  # those that Slurm granted
}
#: What was read off the GPU: a job of a quarter of a second may end before the second look at it.
READ = (
    *("gpu_mem_peak_mb", "gpu_temp_max_c", "throttle_reasons"),
    *("gpu_xids", "gpu_ecc_corrected", "gpu_ecc_uncorrected"),
)


def same(row: dict) -> dict:
    leave_out = MAY_DIFFER if row["workload"].startswith("long") else {*MAY_DIFFER, *READ}
    return {name: row[name] for name in COLUMNS if name not in leave_out}


@pytest.fixture(scope="module")
def both(cluster, place, tmp_path_factory):
    """The same plan on the cluster, and on each kind of node by itself."""
    user = User(cluster, place, tmp_path_factory.mktemp("both"))
    user.module = "orchestrator"
    words = ["--workload", "long_a", "--workload", "good", "--repeats", "2", "--threads", "1", "--json"]
    code, rows, said = user.finish(user.run(*words, "--device", "gpu"))
    local = {}
    for name, stack in (("n1", "stub-old"), ("n2", "stub-today")):
        argv = [sys.executable, "-m", "tests.fakes.no_report", "run", "--root", str(place / "root"), "--scale", "smoke"]
        argv += ["--launcher", "process", "--device", "gpu", "--data-dir", str(place / "data"), "--no-fetch"]
        environment = {**cluster.nodes[name].environment, "XDG_CACHE_HOME": str(place / "cache")}
        out = str(user.out / f"local-{name}")
        done = subprocess.run([*argv, *words, "--stack", stack, "--out", out], env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        local |= {row["job_id"]: row for row in json.loads(done.stdout)["results"]}
    return code, {row["job_id"]: row for row in rows}, local, said, user


def test_every_planned_row_is_ok_on_the_right_node_with_samples_of_its_gpu(both):
    code, rows, _, said, _ = both
    assert {row["status"] for row in rows.values()} == {"ok"}, said
    assert (code, len(rows)) == (0, 8)
    where = {(row["stack"], row["host"], row["gpu_name"], row["driver"]) for row in rows.values()}
    assert where == {
        ("stub-old", "n1", "Tesla K80", "470.256.02"),
        ("stub-today", "n2", "NVIDIA H100", "580.159.04"),
    }
    assert {row["cluster"] for row in rows.values()} == {"bench"}
    longer = [row for row in rows.values() if row["workload"] == "long_a"]
    assert all(row["gpu_samples_n"] >= 5 and row["gpu_mem_peak_mb"] for row in longer)


def test_the_rows_are_those_of_a_local_run(both):
    _, rows, local, _, _ = both
    assert {job: same(row) for job, row in rows.items()} == {job: same(row) for job, row in local.items()}


def test_the_record_is_whole_and_has_the_form_of_a_local_one(both):
    *_, user = both
    done = user.orchestrate("verify", str(user.folder))
    stdout, _ = done.communicate()
    assert (done.returncode, "complete" in stdout) == (0, True)
    for job in user.folder.glob("jobs/*"):
        names = {path.name for path in job.iterdir() if path.is_file()}
        assert names == {
            *("job.json", "events.jsonl", "samples.jsonl", "log.txt", "gpu-1.jsonl", "manifest.json", "result.json")
        }
        assert not list((job / "slurm").iterdir())


def test_the_report_names_the_nodes(both):
    *_, user = both
    text = (user.folder / "report.md").read_text()
    assert "(n1), Tesla K80" in text
    assert "(n2), NVIDIA H100" in text


def test_progress_says_where_a_job_runs(both):
    assert " starts on n1 (Slurm job " in both[3]


def test_the_preflight_looks_at_one_node_of_each_kind(user):
    words = ["--config", str(user.config), "--root", str(user._place / "root"), "--workload", "good", "--json"]
    process = user.orchestrate("doctor", *words)
    stdout, _ = process.communicate(timeout=120)
    checks = {check["what"]: check for check in json.loads(stdout)["checks"]}
    assert checks["n1: NVIDIA driver"]["seen"].startswith("470.256.02")
    assert checks["n2: GPU 0 NVIDIA H100"]["seen"] == "free"
    assert checks["n1: stub-old (theano) on Tesla K80"]["level"] == "ok"
    assert checks["n2: orchestrator"]["seen"] == __version__
    assert process.returncode == (3 if any(check["level"] == "bad" for check in checks.values()) else 0)


def test_a_python_that_was_found_runs_its_jobs_on_the_nodes(user, tmp_path):
    libraries = {"keras": KERAS, "keras.backend": KERAS_BACKEND, "jax": "__version__ = '0.10.2'\n"}
    path = stub_libraries(tmp_path / "site", libraries)["PYTHONPATH"]
    python = fake_python(tmp_path / "e" / "bin" / "python", f'PYTHONPATH={path} exec {sys.executable} "$@"')
    user.module = "orchestrator"
    code, rows, said = user.finish(user.run("--workload", "good", "--python", python, "--threads", "1", "--json"))
    assert code == 0, said
    (row,) = rows
    assert (row["stack"], row["backend"], row["status"], row["cluster"]) == ("e", "jax", "ok", "bench")
    (stack,) = json.loads((user.folder / "plan.json").read_bytes())["stacks"]
    assert row["image_digest"] == f"found:sha256:{stack['found']['sha256']}"


def test_calls_and_settings_are_timed_on_the_nodes_as_here(user):
    """Of two settings, also of one whose orchestrator is killed: its jobs are collected by the next."""
    user.module = "orchestrator"
    words = ["--workload", "good", "--mode", "predict", "--vary", "batch_size=16,32", "--threads", "1", "--json"]
    code, rows, said = user.finish(user.run(*words, "--stack", "stub-today", "--device", "gpu"))
    assert code == 0, said
    figures = ("axes", "mode", "predict_batch", "latency_ms", "latency_p99_ms", "cluster", "status")
    assert sorted(tuple(row[name] for name in figures) for row in rows) == [
        (f"batch_size={size}", "predict", size, 4.0, 12.0, "bench", "ok") for size in (16, 32)
    ]
    assert "Inference" in (user.folder / "report.md").read_text()
