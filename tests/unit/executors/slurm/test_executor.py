"""What a run on a cluster is compared with when it is resumed."""

from __future__ import annotations

import pytest

from orchestrator.executors.prepared import Ready
from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.controller import Controller
from orchestrator.executors.slurm.executor import SlurmExecutor
from orchestrator.model import DataFile
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, override
from orchestrator.plan.request import RunRequest
from tests.make import make_job, make_plan


@pytest.fixture(autouse=True)
def one_node(monkeypatch):
    node = Node(name="n1", state="idle", cpus=2, gpus={}, features="", partition="p")
    monkeypatch.setattr(Controller, "nodes", lambda self, partition: [node])


@pytest.mark.parametrize("named", ["mine", "podman"])
def test_a_runtime_of_ones_own_is_no_other_launcher_when_a_run_is_resumed(tmp_path, named):
    """Results have its name, the configuration has its file."""
    path = tmp_path / "mine.yaml"
    path.write_text("{like: podman, program: [sudo, podman]}")
    launcher = str(path) if named == "mine" else named
    request = RunRequest(config=override(Config(), executor="slurm", launcher=launcher), out=tmp_path)
    executor = SlurmExecutor(request, load_catalog(), print)
    job = make_job()
    file = DataFile(dataset=job.dataset, path="/d", sha256="0" * 64, kind="given", name="d")
    ready = Ready(plan=make_plan(jobs=[job], data={job.dataset: file}), launcher=launcher, pending=[])
    assert executor.identities(ready, [job])[job.id]["launcher"] == named
