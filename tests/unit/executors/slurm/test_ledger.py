"""What the ledger of a run decides about a job that came back from a node whose GPU does not suit it."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from orchestrator.executors.prepared import Ready
from orchestrator.executors.slurm.attempts import Attempt, Outcome, Spec, Started
from orchestrator.executors.slurm.commands import Node, Ticket
from orchestrator.executors.slurm.controller import Refused, Silent
from orchestrator.executors.slurm.ledger import Origin, RunLedger
from orchestrator.executors.slurm.placement import Placement
from orchestrator.model import DataFile, Found, Job, Result, Stack
from orchestrator.plan.config import Config
from orchestrator.plan.slurm import NodeImages, Slurm
from tests.make import make_plan

JOB = Job(
    workload="w", stack="s", backend="b", device="gpu", repeat=1, scale="smoke", epochs=1, batch_size=1,
    train=1, validation=1, seed=1, threads=1, timeout_s=60, dataset="d",
)  # fmt: skip
DATA = DataFile(dataset="d", path="/d", sha256="0" * 64, kind="given", name="d")

THEIRS = Stack(
    name="s", title="s", python="3.11", keras="3", base="found", backends=[], images={},
    found=Found(kind="python", place="/theirs/python", sha256="0" * 64),
)  # fmt: skip


class Cluster:
    """`refusal`: what sbatch --test-only says."""

    def __init__(self):
        self.refusal: Exception | None = None
        self.asked: list[list[str]] = []

    def could_run(self, argv):
        self.asked.append([word for word in argv if "exclude" in word])
        if self.refusal:
            raise self.refusal


@pytest.fixture
def made(tmp_path):
    nodes = [
        Node(name=name, state="idle", cpus=2, gpus={gpu: 1}, features="", partition="gpu")
        for name, gpu in (("n1", "k80"), ("n2", "h100"), ("n3", "h100"))
    ]
    cluster = Cluster()
    config = Config(executor="slurm", slurm=Slurm(options=["--exclude=n3"]))
    placement = Placement(config, cluster, nodes, ())
    origin = Origin(config=config, root=str(tmp_path), launcher="docker", keras_spec=None, cluster="c")
    ready = Ready(plan=make_plan(run_id="run", data={"d": DATA}), launcher="docker", pending=[])
    folder = SimpleNamespace(path=tmp_path, job_folder=lambda job: tmp_path / job.id, result=lambda job: None)
    (tmp_path / "workloads").mkdir()
    return cluster, placement, RunLedger(placement, origin, ready, folder, SimpleNamespace(say=lambda line: None))


def come_back(ledger, attempt, node) -> Attempt | None:
    attempt.begin(Started(node=node, number="1", pid=1))
    result = Result(run_id="run", job=JOB, status="unsupported", reason="no")
    return ledger.retry_elsewhere(
        attempt, Outcome(token=attempt.spec.ticket.token, attempt=1, result=result, misfit=True)
    )


def first(ledger, tmp_path, token="t0") -> Attempt:
    spec = Spec(
        ticket=Ticket(run_id="run", job_id=JOB.id, attempt=1, token=token), job=JOB, device="gpu", launcher="process",
        root="/", workloads_sha256="0" * 64, orchestrator="0", cluster="c", data=DATA, stop=str(tmp_path / "stop"),
    )  # fmt: skip
    return Attempt.create(tmp_path / JOB.id, spec)


def test_a_job_goes_to_other_nodes_and_never_twice_to_one_that_it_was_kept_from(made, tmp_path):
    cluster, _, ledger = made
    again = come_back(ledger, first(ledger, tmp_path), "n1")
    assert again is not None
    assert again.spec.exclude == ["n1"]
    assert [word for word in ledger.argv(again) if "exclude" in word] == ["--exclude=n1,n3"]
    assert come_back(ledger, again, "n1") is None  # the exclusion was of no use
    assert len(cluster.asked) == 1


def test_two_jobs_that_were_submitted_together_both_go_elsewhere(made, tmp_path):
    _, _, ledger = made
    one, other = first(ledger, tmp_path), first(ledger, tmp_path, "t1")
    assert come_back(ledger, one, "n1") is not None
    assert come_back(ledger, other, "n1") is not None


def test_a_misfit_is_final_where_slurm_has_no_other_node_for_it(made, tmp_path):
    """Its row keeps the reason that the node gave: `nodes` or a constraint may leave nothing else."""
    cluster, _, ledger = made
    cluster.refusal = Refused("Requested node configuration is not available")
    assert come_back(ledger, first(ledger, tmp_path), "n1") is None
    assert cluster.asked == [["--exclude=n1,n3"]]


def test_a_silent_controller_does_not_make_a_misfit_final(made, tmp_path):
    cluster, _, ledger = made
    cluster.refusal = Silent("no answer")
    assert come_back(ledger, first(ledger, tmp_path), "n1") is not None


def test_a_misfit_is_final_when_every_kind_of_node_has_had_it(made, tmp_path):
    _, placement, ledger = made
    again = come_back(ledger, first(ledger, tmp_path), "n1")
    assert come_back(ledger, again, "n2") is None
    assert not placement.request(JOB).exclude  # or Slurm would refuse the next job, and its row had another reason


def test_what_an_attempt_was_kept_from_is_not_forgotten_with_the_rest(made, tmp_path):
    _, placement, ledger = made
    again = come_back(ledger, first(ledger, tmp_path), "n1")
    placement.unfit.clear()
    assert come_back(ledger, again, "n2") is None


def ordered(ledger, tmp_path, **changes) -> Attempt:
    """An attempt as the ledger orders it, but for some changes."""
    spec = ledger._spec(JOB, Ticket(run_id="run", job_id=JOB.id, attempt=2, token="t0"))
    return Attempt.create(tmp_path / JOB.id, msgspec.structs.replace(spec, **changes))


def test_an_order_of_an_earlier_session_is_ones_own(made, tmp_path):
    *_, ledger = made
    earlier = ordered(ledger, tmp_path, stop="/another", exclude=["n1"], commit="another")
    assert ledger.is_own(earlier)
    assert ledger.unfinished(JOB).spec == earlier.spec
    assert ledger._placement.unfit == {("s", "b"): {"n1"}}


@pytest.mark.parametrize(
    "change",
    [
        {"root": "/theirs"}, {"launcher": "process"}, {"launcher": "/theirs/runtime.yaml"}, {"keras_spec": "theirs"},
        {"weakened": ["network"]}, {"gpu_route": "cdi"}, {"allow_busy": True}, {"memory": "1g"}, {"archived": "theirs"},
        {"images": NodeImages(by="archive", archive="/theirs")}, {"may_build": False}, {"workloads_sha256": "1" * 64},
        {"data": msgspec.structs.replace(DATA, path="/etc/shadow")}, {"stack": THEIRS},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_an_order_that_differs_in_anything_that_acts_is_nobodys(made, tmp_path, change):
    *_, ledger = made
    theirs = ordered(ledger, tmp_path, exclude=["n1"], **change)
    assert not ledger.is_own(theirs)
    assert ledger._placement.unfit == {}


def test_a_node_that_a_strangers_attempt_was_sent_on_from_gets_ones_own_order(made, tmp_path):
    *_, ledger = made
    again = come_back(ledger, ordered(ledger, tmp_path, root="/theirs", launcher="process"), "n1")
    assert ledger.is_own(again)
    assert (again.spec.root, again.spec.launcher, again.spec.exclude) == (str(tmp_path), "docker", ["n1"])


@pytest.mark.parametrize(
    "change",
    [
        {"job": msgspec.structs.replace(JOB, repeat=2)},
        {"ticket": Ticket(run_id="other", job_id=JOB.id, attempt=2, token="t0")},
        {"ticket": Ticket(run_id="run", job_id="other", attempt=2, token="t0")},
    ],
    ids=["another job", "another run", "another job's ticket"],
)
def test_an_attempt_of_another_job_or_run_is_none_of_this_one(made, tmp_path, change):
    *_, ledger = made
    ordered(ledger, tmp_path, **change)
    assert ledger.unfinished(JOB) is None


def test_a_node_is_told_of_a_stack_that_its_catalog_cannot_have(made):
    *_, ledger = made
    ledger._ready = msgspec.structs.replace(
        ledger._ready, plan=make_plan(run_id="run", data={"d": DATA}, stacks=[THEIRS])
    )
    ticket = Ticket(run_id="run", job_id=JOB.id, attempt=1, token="t0")
    assert ledger._spec(JOB, ticket).stack == THEIRS
