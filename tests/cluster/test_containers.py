"""Containers of a real engine, started by nodes: they go with the job that started them, however that ends."""

from __future__ import annotations

import json
import os
import signal

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import build as image_build
from tests.cluster.conftest import User, until
from tests.fakes import roots
from tests.fakes.runs import STACK

pytestmark = [pytest.mark.cluster, pytest.mark.containers, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(engine):
    catalog = load_catalog()
    image_build.build(engine, catalog.stack(STACK), "cpu", catalog, BuildSettings(), print)
    return STACK


def ours(engine, user):
    found = engine.containers.list(filters={"label": "keras-orchestrate=job"})
    return [c for c in found if c.labels.get("keras-orchestrate.run") == user.folder.name]


def test_a_container_goes_with_its_job(engine, stack, cluster, place, tmp_path):
    root = roots.make_root(tmp_path / "root", ["hang"])
    user = User(cluster, place, tmp_path / "user")
    wish = {"version": 1, "executor": "slurm", "launcher": "docker", "device": "cpu", "scale": "smoke", "threads": 1}
    wish |= {"stacks": [stack], "repeats": 3, "memory": "1g", "slurm": {"python": str(cluster.python)}}
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
