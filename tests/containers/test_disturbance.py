"""A disturbance made on purpose is found and put at its size in a container as well, through its control group."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fakes.roots import make_data, make_root

pytestmark = [pytest.mark.containers, pytest.mark.slow]
STACK = "keras3-jax"
CORE = min(os.sched_getaffinity(0))


def test_a_busy_loop_on_the_core_of_a_container_is_found_and_put_at_its_size(image_of, tmp_path):
    image_of(STACK)
    root, data = make_root(tmp_path / "root", ["burn"]), make_data(tmp_path / "data")
    words = ["run", "--config", "smoke", "--launcher", "docker", "--stack", STACK, "--epochs", "4", "--json"]
    folders = ["--root", root, "--out", tmp_path / "results", "--data-dir", data, "--no-fetch", "--no-build"]
    argv = [sys.executable, "-m", "tests.fakes.no_report", *map(str, [*words, *folders])]
    with subprocess.Popen(["taskset", "-c", str(CORE), sys.executable, "-c", "while True: pass"]) as other:
        try:
            answer = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        finally:
            other.kill()
    assert answer.returncode == 0, answer.stderr
    (row,) = json.loads(answer.stdout)["results"]
    if row["wait_s"] is None:
        pytest.skip("this kernel does not count how long threads wait, or the engine is elsewhere")
    (record,) = (tmp_path / "results" / "latest" / "jobs").glob("*/result.json")
    epochs = json.loads(record.read_text())["epochs"][1:]
    lost = sum(epoch["train_s"] - epoch["used_s"] for epoch in epochs)
    assert lost > 1
    assert row["lost_s"] == pytest.approx(lost, rel=0.3)
    assert row["disturbed"] == "others on its cores" and row["disturbed_epochs"] == 3
