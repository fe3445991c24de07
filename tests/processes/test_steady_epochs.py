"""Steady epochs of a real TensorFlow: no thread of the job sleeps while the others do, too."""

from __future__ import annotations

import os

import pytest

from orchestrator.data import synthetic
from tests.bench import contenders
from tests.bench.contenders import WORKLOADS, Setting

pytestmark = [pytest.mark.slow, pytest.mark.network]


def test_tensorflow_does_not_sleep_in_steady_epochs(tmp_path):
    """With the thread that tunes tf.data, a fourth of these epochs is sleep on a single core."""
    (contender,) = contenders.found(("keras3-tensorflow",))
    job = contenders.make_job(contender, "mnist_mlp", repeat=1, threads=1)
    setting = Setting(WORKLOADS, [max(os.sched_getaffinity(0))])
    data = synthetic.make("mnist", "mnist.npz", tmp_path)
    seen = contenders.ours(contender, job, setting, data, tmp_path / "job")
    assert seen.idle_percent is not None and seen.idle_percent < 5
