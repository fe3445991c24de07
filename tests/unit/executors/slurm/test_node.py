"""The node's side without a cluster: what it refuses, and what it reports then."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.executors.slurm import node as node_module
from orchestrator.executors.slurm.attempts import Attempt, Spec, Started
from orchestrator.executors.slurm.commands import Ticket
from orchestrator.model import OWN_DATA, DataFile, Layer, OwnFile, to_json
from orchestrator.plan.catalog import load_catalog, workloads_sha256
from orchestrator.stacks.ground import Ground
from tests.conftest import ROOT
from tests.fakes import roots
from tests.make import make_job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return roots.make_gpu_root(tmp_path_factory.mktemp("node") / "root", ["good"])


def attempt_at(tmp_path, catalog, **changes):
    data = tmp_path / "mnist.npz"
    data.write_bytes(b"data")
    fields = {
        "ticket": Ticket(run_id="run", job_id="j", attempt=3, token="right"),
        "job": make_job(stack="stub-old", backend="theano", device="gpu"),
        "device": "gpu",
        "launcher": "process",
        "root": str(catalog),
        "workloads_sha256": workloads_sha256(catalog),
        "orchestrator": __version__,
        "cluster": "c",
        "data": DataFile(dataset="mnist", path=str(data), sha256="0" * 64, kind="given", name="mnist.npz"),
        "stop": str(tmp_path / "stop"),
    }
    return Attempt.create(tmp_path / "job", Spec(**{**fields, **changes}))


def node(attempt, **environ):
    module = "orchestrator.executors.slurm.node"
    argv = [sys.executable, "-m", module, str(attempt.folder / "spec.json"), attempt.order]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "CUDA"))}
    own = {"PYTHONPATH": str(ROOT), "SLURMD_NODENAME": "n7", "SLURM_JOB_ID": "12", **environ}
    return subprocess.run(argv, env={**kept, **own}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"orchestrator": "0.0.1"}, f"on n7: orchestrator {__version__} is installed there, the run's is 0.0.1"),
        ({"workloads_sha256": "f" * 64}, "holds other files there"),
        ({"root": "/nowhere"}, "/nowhere"),
        ({}, "Slurm granted no GPU that the driver knows"),
    ],
)
def test_a_node_that_is_not_as_planned_starts_nothing_and_says_why(tmp_path, root, changes, words):
    attempt = attempt_at(tmp_path, root, **changes)
    assert node(attempt).returncode == 0
    outcome = attempt.outcome()
    assert (outcome.result.status, outcome.result.attempt, outcome.ended_by) == ("failed", 3, "")
    assert words in outcome.result.reason
    started = attempt.started()
    assert (started.node, started.number) == ("n7", "12")
    assert not (attempt.folder / "out").exists()


def test_what_was_ended_while_it_was_prepared_is_cancelled_and_not_found_unfit(tmp_path, root):
    attempt = attempt_at(tmp_path, root, root="/nowhere")
    attempt.give_up()
    node(attempt)
    outcome = attempt.outcome()
    assert (outcome.result.status, outcome.ended_by) == ("cancelled", "us")
    assert outcome.result.reason == "stopped by the user before it started"


def test_data_that_is_not_there_is_told(tmp_path, root):
    attempt = attempt_at(tmp_path, root)
    (tmp_path / "mnist.npz").unlink()
    node(attempt)
    assert "the nodes need the data at the same path" in attempt.outcome().result.reason


def test_an_attempt_is_begun_once_whatever_slurm_does(tmp_path, root):
    attempt = attempt_at(tmp_path, root)
    assert attempt.begin(Started(node="n1", number="3", pid=1))
    done = node(attempt)
    assert (done.returncode, attempt.outcome()) == (0, None)
    assert "it is not run twice" in done.stderr
    assert attempt.started().number == "3"


def test_an_order_that_was_changed_after_it_was_handed_in_is_not_carried_out(tmp_path, root):
    """By whoever can write to the run: nobody but the user can write to what Slurm was told."""
    attempt = attempt_at(tmp_path, root)
    theirs = msgspec.structs.replace(attempt.spec, root=str(tmp_path))
    (attempt.folder / "spec.json").write_bytes(to_json(theirs))
    done = node(attempt)
    assert (done.returncode, attempt.started(), attempt.outcome()) == (2, None, None)
    assert "is not the order that was handed in" in done.stderr


def test_an_order_that_cannot_be_read_is_no_attempt(tmp_path, root):
    attempt = attempt_at(tmp_path, root)
    (attempt.folder / "spec.json").write_text('{"version": "of tomorrow"}')
    assert node(attempt).returncode == 2
    assert attempt.started() is None


def test_a_script_of_ones_own_needs_no_file_of_data_on_the_node(tmp_path, root):
    attempt = attempt_at(tmp_path, root, job=make_job(stack="stub-old", device="gpu", dataset=None), data=OWN_DATA)
    node(attempt)
    assert "Slurm granted no GPU" in attempt.outcome().result.reason


def test_packages_that_a_node_cannot_make_are_its_reason(tmp_path, root, monkeypatch):
    own = OwnFile(path=str(tmp_path / "my.py"), sha256="1" * 64, contract="script", packages=["einops"])
    job = make_job(workload="my", variant="own", stack="stub-old", device="gpu", dataset=None)
    layer = Layer(workload="my", stack="stub-old", asked=["einops"], base="a" * 64, lock="einops==0.8.2")
    spec = attempt_at(tmp_path, root, job=job, data=OWN_DATA, own=own, layer=layer, may_build=False).spec
    stack = load_catalog(root).stack("stub-old")
    known = Ground(stack="stub-old", python="3.11", pins={}, sha256="a" * 64)
    provisioner = SimpleNamespace(ground=lambda stack, device: known)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(node_module.Unfit, match=r"my.py needs einops 0.8.2, which stub-old does not have"):
        node_module.packages(spec, stack, provisioner)
    assert node_module.packages(msgspec.structs.replace(spec, own=None), stack, provisioner) == []
