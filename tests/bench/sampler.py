"""What the GPU sampler costs, on stub GPUs: its share of a core, and its effect on a job beside it.

    make bench-sampler          or: python -m tests.bench.sampler [--gpus 8] [--seconds 20] [--pairs 10]

Prints figures and asserts none: they depend on the machine and on what else runs. A real driver answers more slowly
than a stub, mostly by waiting; what is measured here is the sampler's own work.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from orchestrator.host.nvidia.nvml import session
from orchestrator.measure.gpu_sampler import Sampler
from orchestrator.results import gpu_readings
from tests.fakes import nvml_host

INSIDE = "KERAS_ORCHESTRATE_BENCH_INSIDE"


def uuids() -> list[str]:
    with session() as nvml:
        return [str(device.uuid) for device in nvml.devices()]


def cost(folder: Path, seconds: float) -> None:
    """Processor time of this whole process, which does nothing but sample, over wall time."""
    gpus = uuids()
    sampler = Sampler(gpus, gpu_readings.new_spool(folder))
    sampler.start()
    time.sleep(1.5)  # loading the driver and the first round are paid once per run
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(seconds)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    sampler.stop()
    polls = [s for s in gpu_readings.read(folder, gpus[0], 0, float("inf")) if s.kind == "poll"]
    size = sum(path.stat().st_size for path in folder.glob("gpu-*.jsonl"))
    gpu_readings.to_parquet(folder)
    packed = sum(path.stat().st_size for path in folder.glob("gpu-*.parquet"))
    gaps = sorted(after.t - before.t for before, after in itertools.pairwise(polls))
    print(f"{len(gpus)} stub GPUs, 5 Hz, {wall:.1f} s: {100 * cpu / wall:.2f} % of one core")
    late = gaps[int(0.95 * (len(gaps) - 1))], gaps[-1]
    print(f"  {len(polls)} readings of one GPU; gaps: median {1e3 * statistics.median(gaps):.0f} ms, ", end="")
    print(f"95th percentile {1e3 * late[0]:.0f} ms, longest {1e3 * late[1]:.0f} ms")
    hourly = size / (wall + 1.5) / len(gpus) * 3600 / 1e6
    print(f"  {hourly:.1f} MB of lines per GPU and hour, {packed / size:.2f} of that as Parquet")


def job(pipe: Connection) -> None:
    """A job that computes: one epoch per request, answers with its seconds."""
    import numpy

    os.environ["OMP_NUM_THREADS"] = "1"
    rng = numpy.random.default_rng(0)
    matrix = rng.standard_normal((300, 300))
    while pipe.recv():
        begin = time.monotonic()
        value = matrix
        for _ in range(150):
            value = numpy.tanh(value @ matrix / 300)
        pipe.send(time.monotonic() - begin)


def effect(folder: Path, pairs: int) -> None:
    """Epochs with and without the sampler, in turn, the order within a pair alternating."""
    gpus = uuids()
    here, there = multiprocessing.Pipe()
    child = multiprocessing.Process(target=job, args=(there,), daemon=True)
    child.start()
    found: dict[bool, list[float]] = {True: [], False: []}

    def epoch(sampled: bool) -> float:
        sampler = Sampler(gpus if sampled else [], gpu_readings.new_spool(folder))
        if sampled:
            sampler.start()
            time.sleep(0.3)
        here.send(True)
        seconds = float(here.recv())
        sampler.stop()
        return seconds

    epoch(False)  # warm up
    for i in range(pairs):
        for sampled in (True, False) if i % 2 else (False, True):
            found[sampled].append(epoch(sampled))
    here.send(False)
    child.join()
    differences = [100 * (on / off - 1) for on, off in zip(found[True], found[False], strict=True)]
    for sampled, name in ((False, "without"), (True, "with")):
        times = found[sampled]
        middle, low, high = statistics.median(times), min(times), max(times)
        print(f"epoch {name} sampling: median {middle:.3f} s ({low:.3f}-{high:.3f}, n = {pairs})")
    spread = 100 * (max(found[False]) / min(found[False]) - 1)
    middle, low, high = statistics.median(differences), min(differences), max(differences)
    print(f"paired difference: median {middle:+.1f} % ({low:+.1f} to {high:+.1f}, n = {pairs} pairs)")
    print(f"spread of the epochs without sampling: {spread:.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pairs", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if INSIDE in os.environ:
            cost(folder, args.seconds)
            effect(folder, args.pairs)
            return
        host = nvml_host.StubHost(nvml_host.build(folder, 580), folder / "host", nvml_host.h200(args.gpus))
        for i in range(args.gpus):
            host.set(i, util="steps:0.5:20,80", processes=f"{os.getpid()}:1048576")
        argv = [sys.executable, "-m", "tests.bench.sampler", *sys.argv[1:]]
        raise SystemExit(subprocess.run(argv, env={**host.environment, INSIDE: "1"}).returncode)


if __name__ == "__main__":
    main()
