"""What the cell tests share: real data where there is some, a run of the real command, first losses that agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PARAMETERS = {
    "mnist_mlp": 669706,
    "mnist_cnn": 1199882,
    "cifar10_cnn": 1250858,
    "mnist_rnn": 199434,
    "babi_rnn": 45836,
}


def data_words() -> list[str]:
    """KERAS_ORCHESTRATE_TEST_DATA, a folder with real data sets, else synthetic ones."""
    folder = os.environ.get("KERAS_ORCHESTRATE_TEST_DATA")
    return ["--data-dir", folder, "--no-fetch"] if folder else ["--no-fetch"]


def run(out: Path, *words: str) -> tuple[int, list[dict], str]:
    """Exit code, rows and standard error of one `orchestrate run --config smoke --json`."""
    argv = [sys.executable, "-m", "orchestrator", "run", "--config", "smoke", "--json", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([*argv, *data_words(), *words], capture_output=True, text=True, env=environment)
    rows = json.loads(answer.stdout)["results"] if answer.stdout else []
    return answer.returncode, rows, answer.stderr


def reasons(rows: list[dict]) -> dict[str, str]:
    return {row["job_id"]: f"{row['status']}: {row['reason']}" for row in rows if row["status"] != "ok"}


def first_losses(out: Path, workload: str) -> dict[str, float]:
    """Training loss of the first epoch by job, the average over its batches."""
    found = {}
    for path in out.glob(f"2*/jobs/{workload}.*/events.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "epoch_end" and event["epoch"] == 1:
                found[path.parent.name] = event["loss"]
    return found
