"""A container is tried out once, in a folder that is gone afterwards."""

from __future__ import annotations

import types

import pytest

from orchestrator.data.find import DataRow
from orchestrator.errors import HostError
from orchestrator.executors.local import tryout
from orchestrator.host.checks import Trial
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from tests.make import make_context, make_gpu, make_host

CATALOG = load_catalog()


class Provisioner:
    """A provisioner whose trial gives `answer`, or raises it."""

    name = "docker"

    def __init__(self, answer):
        self.answer, self.seen = answer, []

    def trial(self, context, device, out):
        (out / "left").mkdir()
        self.seen.append((context, device, out))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def context(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def test_what_is_lacking_goes_into_the_context_and_into_words(context, tmp_path):
    lacks = {"shared_memory": "too much"}
    found, trial = tryout.try_out(Provisioner(lacks), context, make_gpu(), tmp_path / "not" / "there")
    assert found.lacks == lacks
    assert trial == Trial(launcher="docker", lacks=["shared memory: too much"])


@pytest.mark.parametrize("answer", [{}, None, HostError("no")])
def test_its_folder_lies_where_results_will_and_is_removed(context, tmp_path, answer):
    provisioner = Provisioner(answer)
    if isinstance(answer, Exception):
        with pytest.raises(HostError, match="no"):
            tryout.try_out(provisioner, context, make_gpu(), tmp_path / "out")
    else:
        found = tryout.try_out(provisioner, context, make_gpu(), tmp_path / "out")
        assert (found is None) == (answer is None)
    ((_, device, folder),) = provisioner.seen
    assert folder.parent.parent == tmp_path
    assert not folder.parent.exists()
    assert not folder.exists()
    assert device.uuid is None, "the GPU may be another job's"


def test_where_nothing_can_be_written_nothing_is_tried(context, tmp_path, monkeypatch):
    def mkdtemp(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tryout.tempfile, "mkdtemp", mkdtemp)
    assert tryout.try_out(Provisioner({}), context, make_gpu(), tmp_path) is None


def test_a_place_that_even_root_may_not_look_at_is_told_by_others(context, tmp_path, monkeypatch):
    """As on a folder of the network whose server trusts no root."""

    def is_dir(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tryout.Path, "is_dir", is_dir)
    assert tryout.try_out(Provisioner({}), context, make_gpu(), tmp_path) is None


@pytest.fixture
def doctor(monkeypatch, tmp_path):
    """A function that tries out for doctor with this provisioner, or with none."""

    def run(provisioner, rows=(), **host):
        def choose(launcher, request, catalog, engine, say):
            if provisioner is None:
                raise HostError("no engine")
            return provisioner

        monkeypatch.setattr(tryout, "choose_provisioner", choose)
        engine = types.SimpleNamespace()
        stacks = [CATALOG.stack("keras2-theano")]
        kind = "gpu" if "gpus" in host else "cpu"
        return tryout.try_for_doctor(Config(), CATALOG, stacks, kind, make_host(**host), rows, tmp_path, engine)

    return run


def test_what_cannot_work_is_an_answer_for_doctor(doctor):
    assert doctor(Provisioner(HostError("no", "do that"))) == Trial(launcher="docker", trouble="no", mend="do that")
    assert doctor(Provisioner({})) == Trial(launcher="docker")


def test_without_an_engine_an_image_or_a_gpu_there_is_nothing_to_tell(doctor):
    assert doctor(None) is None
    assert doctor(Provisioner(None)) is None
    assert doctor(Provisioner({}), gpus=[]) is None
    processes = Provisioner({})
    processes.name = "process"
    assert doctor(processes) is None
    assert processes.seen == []


def test_doctor_tries_the_files_that_a_run_would_bind(doctor, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"x")
    rows = [
        DataRow(dataset="mnist", state="ok", path=str(tmp_path / "mnist.npz"), sha256="1" * 64, kind="official"),
        DataRow(dataset="cifar10", state="corrupt", path=str(tmp_path / "mnist.npz")),
        DataRow(dataset="babi", state="missing"),
    ]
    provisioner = Provisioner({})
    doctor(provisioner, rows)
    ((context, _, _),) = provisioner.seen
    assert {name: file.path for name, file in context.data.items()} == {"mnist": str(tmp_path / "mnist.npz")}
