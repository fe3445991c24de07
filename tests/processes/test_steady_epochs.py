"""Steady epochs of a real TensorFlow: no thread of the job sleeps while the others do, too."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from orchestrator.data import synthetic
from tests.bench import contenders, idle
from tests.bench.contenders import WORKLOADS, Setting

pytestmark = [pytest.mark.slow]

#: Sleeps in the first half of its second epoch, and computes in the other.
SLEEPER = """
import json, sys, time
def say(event, **fields): print(json.dumps(dict(fields, event=event, t=time.monotonic())), flush=True)
def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
for epoch in 1, 2:
    begin = time.monotonic()
    say("epoch_begin", epoch=epoch)
    if epoch == 2: time.sleep(1)
    compute(0.5)
    say("epoch_end", epoch=epoch, train_s=time.monotonic() - begin)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this kernel does not count waiting")  # noqa: PTH110
def test_a_job_that_sleeps_is_told_from_one_that_is_kept_from_its_core():
    core = str(min(os.sched_getaffinity(0)))
    loop = subprocess.Popen(["taskset", "-c", core, sys.executable, "-c", "while True: pass"])
    argv = ["taskset", "-c", core, sys.executable, "-c", SLEEPER, "--job", "sleeper", "end"]
    try:
        with idle.Watch("sleeper") as watch:
            answer = subprocess.run(argv, capture_output=True, check=True)
    finally:
        loop.kill()
        loop.wait()
    events = [msgspec.json.decode(line) for line in answer.stdout.splitlines()]
    (begin, end) = [event["t"] for event in events if event["epoch"] == 2]
    assert 0.5 < idle.steady_share(watch, events) * (end - begin) < 1.3
    (begin, end) = [event["t"] for event in events if event["epoch"] == 1]
    assert watch.idle(begin + 0.3, end) < 0.5 * (end - begin - 0.3)


@pytest.mark.network
def test_tensorflow_does_not_sleep_in_steady_epochs(tmp_path):
    """With the thread that tunes tf.data, a fourth of these epochs is sleep on a single core."""
    (contender,) = contenders.found(("keras3-tensorflow",))
    job = contenders.make_job(contender, "mnist_mlp", repeat=1, threads=1)
    setting = Setting(WORKLOADS, [max(os.sched_getaffinity(0))])
    data = synthetic.make("mnist", "mnist.npz", tmp_path)
    seen = contenders.ours(contender, job, setting, data, tmp_path / "job")
    assert seen.idle is not None and seen.idle < 0.1
