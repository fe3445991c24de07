"""The sampler over a stub driver: what it was told to show, what it must survive."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from orchestrator.host.nvidia.throttling import slowing
from orchestrator.measure.gpu_sampler import next_tick
from orchestrator.results import gpu_readings

RUN = """
import sys, time
from pathlib import Path
from orchestrator.measure.gpu_sampler import Sampler
from orchestrator.host.nvidia import nvml
with nvml.session() as n:
    uuids = [d.uuid for d in n.devices()]
sampler = Sampler(uuids, Path(sys.argv[1]) / "gpu-1.jsonl")
sampler.start()
print("started", flush=True)
time.sleep(float(sys.argv[2]))
sampler.stop()
print(sampler.failure, {u: w for u, (t, w) in sampler.lost.items()})
"""
UUIDS = [f"GPU-{i:08x}-aaaa-bbbb-cccc-000000000000" for i in (0, 1)]
EVER = (float("-inf"), float("inf"))


def start(host, folder, seconds):
    argv = [sys.executable, "-c", RUN, str(folder), str(seconds)]
    process = subprocess.Popen(argv, env=host.environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "started\n"
    return process


def told(period, values, t):
    return values[int(t / period) % len(values)]


def test_what_is_recorded_is_what_the_driver_said(k80, tmp_path):
    k80.set(0, util="steps:0.7:10,90", throttle="0x40", mem_used=2**30)
    process = start(k80, tmp_path, 2.3)
    assert process.communicate()[0].strip() == "{}"
    gpu_readings.to_parquet(tmp_path)
    assert [path.name for path in tmp_path.glob("gpu-*")] == ["gpu-1.parquet"]
    samples = gpu_readings.read(tmp_path, UUIDS[0], *EVER)
    polls = [s for s in samples if s.kind == "poll"]
    buffered = [s for s in samples if s.kind == "buffer"]
    assert len(polls) >= 8 and len(buffered) >= 10
    assert all(s.util == told(0.7, (10, 90), s.t) for s in polls if 0.01 < s.t % 0.7 < 0.69)
    # The stamps of the buffer went through two clocks: a reading at the very edge may be on either side.
    assert all(s.util == told(0.7, (10, 90), s.t) for s in buffered if 0.02 < s.t % 0.7 < 0.68)
    assert len({round(s.t, 2) for s in buffered}) == len(buffered)  # none twice
    assert {(s.mem_mb, s.energy_j) for s in polls} == {(1024.0, None)}
    assert {reason for s in samples for reason in slowing(s.throttle)} == {"hw_thermal"}
    assert not any(slowing(s.throttle) for s in gpu_readings.read(tmp_path, UUIDS[1], *EVER))


def test_ticks_do_not_drift():
    due, late = [], 0.0
    for i in range(50):
        late = 0.03 * (i % 5)  # every reading takes some time
        due.append(next_tick(10.0, 0.2, (due[-1] if due else 10.0) + late))
    assert [round((t - 10.0) / 0.2, 6) for t in due] == [float(i) for i in range(1, 51)]
    assert next_tick(10.0, 0.2, 11.05) == pytest.approx(11.2)  # what was missed is left out, not made up for


def test_a_lost_gpu_ends_its_own_series_only(k80, tmp_path):
    process = start(k80, tmp_path, 2.5)
    time.sleep(1)
    k80.set(0, all="!15")
    assert f"'{UUIDS[0]}': 'GPU is lost'" in process.communicate()[0]
    lost, alive = (gpu_readings.read(tmp_path, uuid, *EVER) for uuid in UUIDS)
    assert lost[-1].lost == "GPU is lost"
    assert alive[-1].t > lost[-1].t + 0.5
    assert not any(s.lost for s in alive)


def test_processes_are_known_by_their_command_line(k80, tmp_path):
    script = tmp_path / "run.py"
    script.write_text("import time; time.sleep(60)")
    job = subprocess.Popen([sys.executable, str(script), "x", "--job", "a.b.c.gpu.1"])
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        k80.set(0, processes=f"{job.pid}:1048576,{stranger.pid}:2097152")
        time.sleep(0.2)
        start(k80, tmp_path, 0.5).communicate()
    finally:
        for process in (job, stranger):
            process.kill()
            process.wait()
    lists = [s.processes for s in gpu_readings.read(tmp_path, UUIDS[0], *EVER) if s.processes is not None]
    assert {p.job for p in lists[0]} == {"a.b.c.gpu.1", None}
    assert {(p.job, p.memory_mb) for p in lists[0]} == {("a.b.c.gpu.1", 1.0), (None, 2.0)}
    assert next(p.command for p in lists[0] if p.job is None) == "sleep 60"
    polls = [s for s in gpu_readings.read(tmp_path, UUIDS[1], *EVER) if s.kind == "poll"]
    assert polls[0].processes == []


def test_a_killed_run_leaves_readings_that_can_be_read(k80, tmp_path):
    process = start(k80, tmp_path, 60)
    time.sleep(1.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    spool = tmp_path / "gpu-1.jsonl"
    with spool.open("ab") as file:
        file.write(b'{"t":1.0,"uuid":"GP')  # the line that was being written
    samples = gpu_readings.read(tmp_path, UUIDS[0], *EVER)
    assert len(samples) >= 3
    assert all(json.loads(line) for line in spool.read_bytes().splitlines()[:-1])
    gpu_readings.to_parquet(tmp_path)
    assert gpu_readings.read(tmp_path, UUIDS[0], *EVER) == samples


def test_without_a_driver_nothing_is_sampled_and_nothing_breaks(tmp_path):
    code = RUN.replace("with nvml.session() as n:\n    uuids = [d.uuid for d in n.devices()]", "uuids = ['GPU-1']")
    argv = [sys.executable, "-c", code, str(tmp_path), "0.1"]
    answer = subprocess.run(argv, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "NVML" in answer.stdout or "GPU-1" in answer.stdout
