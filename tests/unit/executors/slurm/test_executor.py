"""What a run on a cluster is compared with when it is resumed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.errors import UserError
from orchestrator.executors import prepared
from orchestrator.executors.prepared import Ready
from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.controller import Controller
from orchestrator.executors.slurm.executor import SlurmExecutor
from orchestrator.model import DataFile, Layer
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, override
from orchestrator.plan.own import read_own
from orchestrator.plan.request import BuildSettings, RunRequest
from orchestrator.results.folder import RunFolder
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


@pytest.mark.parametrize(
    ("build", "option"),
    [({"pip_index_url": "https://u:S3CRET@h/"}, "--pip-index-url"), ({"ca_bundle": "/ca.pem"}, "--ca-bundle")],
)
def test_an_option_that_would_not_hold_on_the_nodes_is_refused(tmp_path, build, option):
    config = override(Config(), executor="slurm")
    request = RunRequest(config=config, out=tmp_path, build=BuildSettings(**build))
    with pytest.raises(UserError, match=f"{option} does not reach the nodes"):
        SlurmExecutor(request, load_catalog(), print)


def test_nodes_that_are_to_build_and_must_not_are_a_contradiction(tmp_path):
    config = override(Config(), executor="slurm", slurm={"images": {"by": "build"}})
    with pytest.raises(UserError, match="contradict each other"):
        SlurmExecutor(RunRequest(config=config, out=tmp_path, may_build=False), load_catalog(), print)


def test_no_order_holds_a_secret_and_what_is_compared_has_none(tmp_path):
    spec = "keras @ git+https://bot:S3CRET@host/k.git"
    config = override(Config(), executor="slurm", launcher="process")
    executor = SlurmExecutor(RunRequest(config=config, out=tmp_path, keras_spec=spec), load_catalog(), print)
    job = make_job(stack="keras3-jax", backend="jax")
    file = DataFile(dataset=job.dataset, path="/d", sha256="0" * 64, kind="given", name="d")
    ready = Ready(plan=make_plan(jobs=[job], data={job.dataset: file}), launcher="process", pending=[])
    assert executor.identities(ready, [job])[job.id]["keras_spec"] == "keras @ git+https://host/k.git"
    flights = executor._make_flights(ready, RunFolder.create(tmp_path, ready.plan), SimpleNamespace(say=print))
    assert "S3CRET" not in str(flights._ledger._spec(job, 1))


def test_packages_of_a_script_are_locked_once_and_each_node_is_told_of_them(tmp_path, monkeypatch):
    (tmp_path / "my.py").write_text('# /// script\n# dependencies = ["einops"]\n# ///\n')
    own = read_own(tmp_path / "my.py")
    job = make_job(workload="my", variant="own", dataset=None, stack="keras3-jax", backend="jax")

    def lock(ground, name, file, kept, way, say):
        assert ground.interpreter == "" and file == own.own
        return Layer(workload=name, stack=ground.stack, asked=file.packages, base=ground.sha256, lock="einops==0.8.2")

    monkeypatch.setattr(prepared.layers, "locked", lock)
    config = override(Config(), executor="slurm", launcher="process")
    executor = SlurmExecutor(RunRequest(config=config, out=tmp_path), load_catalog(), print)
    plan = executor._with_locked_packages(make_plan(jobs=[job], workloads=[own]))
    ready = Ready(plan=plan, launcher="process", pending=[job])
    assert executor.identities(ready, [job])[job.id]["packages_sha256"] == plan.layers[0].sha256
    flights = executor._make_flights(ready, RunFolder.create(tmp_path, plan), SimpleNamespace(say=print))
    spec = flights._ledger._spec(job, 1)
    assert (spec.layer, spec.own) == (plan.layers[0], own.own)
