"""Containers of a real engine, started by nodes: they go with the job that started them, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.cells import STACKS_OF_2017, data_words
from tests.cluster.conftest import User, until
from tests.cluster.test_runs import same
from tests.conftest import ROOT
from tests.fakes import roots
from tests.fakes.runs import STACK

pytestmark = [pytest.mark.cluster, pytest.mark.containers, pytest.mark.slow]


def ours(engine, user):
    found = engine.containers.list(filters={"label": "keras-orchestrate=job"}, ignore_removed=True)
    return [c for c in found if c.labels.get("keras-orchestrate.run") == user.folder.name]


def test_a_container_goes_with_its_job(engine, image_of, cluster, place, tmp_path):
    image_of(STACK)
    root = roots.make_root(tmp_path / "root", ["hang"])
    user = User(cluster, place, tmp_path / "user")
    wish = {"version": 1, "executor": "slurm", "launcher": "docker", "device": "cpu", "scale": "smoke", "threads": 1}
    wish |= {"stacks": [STACK], "repeats": 3, "memory": "1g", "slurm": {"python": str(cluster.python)}}
    user.config.write_text(json.dumps(wish))
    words = ["--config", str(user.config), "--root", str(root), "--data-dir", str(place / "data"), "--no-fetch"]
    process = user.orchestrate("run", *words, "--json")
    running = user.until_running(3)
    until(lambda: len(ours(engine, user)) == 3, "three containers")
    first, second, _ = sorted(running)
    cluster.ask("scancel", running[first]["number"])
    os.kill(running[second]["pid"], signal.SIGKILL)
    until(lambda: len(ours(engine, user)) == 1, "the ends of two containers", 5)
    process.send_signal(signal.SIGINT)
    until(lambda: not ours(engine, user), "the end of the third", 5)
    code, rows, _ = user.finish(process)
    reasons = {row["job_id"]: (row["status"], row["reason"]) for row in rows}
    assert code == 130
    assert reasons[first][0] == "cancelled" and "not by this run" in reasons[first][1]
    assert sorted(status for status, _ in reasons.values()) in (["cancelled"] * 2 + ["failed"], ["cancelled"] * 3)


def test_the_smoke_matrix_in_containers_gives_the_rows_of_a_local_run(cells, cluster, tmp_path):
    """The article's twenty cells: once on this host, once on the nodes."""
    _, _, rows, _ = cells
    local = {row["job_id"]: row for row in rows}
    wish = {"version": 1, "scale": "smoke", "device": "cpu", "launcher": "docker", "threads": rows[0]["threads"]}
    wish |= {"stacks": STACKS_OF_2017, "memory": "4g", "executor": "slurm", "slurm": {"python": str(cluster.python)}}
    config = tmp_path / "cluster.json"
    config.write_text(json.dumps(wish))
    argv = [sys.executable, "-m", "orchestrator", "run", "--config", str(config), "--no-build", "--json"]
    done = subprocess.run(
        [*argv, "--out", str(tmp_path / "results"), *data_words()],
        env=cluster.environment, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = {row["job_id"]: row for row in json.loads(done.stdout)["results"]}
    assert {row["host"] for row in there.values()} <= {"n1", "n2"}
    assert list(there) == list(local)
    assert len(there) == 20
    for job, row in there.items():
        ours, theirs = same(local[job]), same(row)
        for name in ("accuracy", "val_accuracy", "loss", "val_loss"):  # not every framework repeats itself to the bit
            assert theirs.pop(name) == pytest.approx(ours.pop(name), rel=0.05, abs=0.05), (job, name)
        assert theirs == ours
