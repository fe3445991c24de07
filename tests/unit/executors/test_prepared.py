"""What all executors make ready alike: a share of the memory, and the data; a missing set costs its own jobs only."""

from __future__ import annotations

import pytest

from orchestrator.errors import UserError
from orchestrator.executors import prepared
from orchestrator.executors.prepared import Ready, equal_share_mb, ready_data
from orchestrator.model import DataFile, Device
from orchestrator.plan.config import Config
from orchestrator.plan.request import RunRequest
from tests.make import make_host, make_job, make_plan

MNIST, BABI = make_job(), make_job(workload="babi_rnn", dataset="babi")


def file(name):
    return DataFile(dataset=name, path=f"/{name}", sha256="0" * 64, kind="given", name="f")


@pytest.fixture
def request_(tmp_path):
    return RunRequest(config=Config(), out=tmp_path, data_dir=tmp_path, may_fetch=False)


@pytest.fixture
def resolved(monkeypatch):
    """Data sets that were looked for; `babi` is corrupt."""
    asked = []

    def resolve(datasets, names, data_dir, allow_fetch, allow_synthetic, say):
        asked.append((*names, data_dir, allow_fetch))
        if "babi" in names:
            raise UserError("/x/babi.tar.gz is corrupt", "remove it")
        return {name: file(name) for name in names}

    monkeypatch.setattr(prepared, "resolve", resolve)
    return asked


@pytest.mark.parametrize(
    ("memory_mb", "devices", "share"), [(9 * 1024, 1, 8 * 1024), (9 * 1024, 3, 2730), (512, 2, 1024)]
)
def test_devices_share_what_the_host_can_spare(memory_mb, devices, share):
    slots = [Device(kind="cpu", name=f"cpu:{n}") for n in range(devices)]
    assert equal_share_mb(make_host(memory_mb=memory_mb), slots) == share


def test_a_data_set_that_cannot_be_had_costs_its_own_jobs_and_is_said(request_, resolved):
    said = []
    files, missing = ready_data(make_plan(jobs=[MNIST, BABI]), request_, said.append)
    assert files == {"mnist": file("mnist")}
    assert [each.concerns(MNIST) for each in missing] == [False]
    assert [each.concerns(BABI) for each in missing] == [True]
    assert (missing[0].status, missing[0].reason) == ("failed", "data: /x/babi.tar.gz is corrupt")
    assert said == ["data set babi: /x/babi.tar.gz is corrupt"]


def test_data_that_the_plan_names_is_taken_as_it_is(request_, resolved):
    plan = make_plan(jobs=[MNIST, BABI], data={"babi": file("babi")})
    files, missing = ready_data(plan, request_, print)
    assert (set(files), missing) == ({"babi", "mnist"}, [])
    assert resolved == [("mnist", request_.data_dir, False)]


def test_nothing_is_fetched_for_jobs_that_are_not_run(request_, resolved):
    assert ready_data(make_plan(jobs=[]), request_, print) == ({}, [])
    assert resolved == []


def test_a_job_is_at_its_first_attempt_unless_it_was_begun_before():
    ready = Ready(plan=make_plan(jobs=[MNIST, BABI]), launcher="process", pending=[MNIST], attempts={MNIST.id: 3})
    assert (ready.attempt(MNIST), ready.attempt(BABI)) == (3, 1)


def test_a_data_set_that_nobody_knows_is_refused_before_any_is_looked_for(request_, resolved):
    """It would fail each of its jobs, one by one, as no host can have it."""
    strange = make_job(workload="mine", dataset="zz-mine")
    with pytest.raises(UserError, match="no data set is called 'zz-mine'") as caught:
        ready_data(make_plan(jobs=[MNIST, strange]), request_, print)
    assert "mnist" in caught.value.hint and "orchestrate my.py" in caught.value.hint
    assert resolved == []
