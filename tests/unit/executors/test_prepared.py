"""What all executors make ready alike: a share of the memory, and the data; a missing set costs its own jobs only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.executors import prepared
from orchestrator.executors.prepared import (
    Ready,
    assumed_layers,
    equal_share_mb,
    on_record,
    ready_data,
    ready_layers,
    refuse_unshowable,
    with_layers,
)
from orchestrator.launchers.launcher import Laid
from orchestrator.model import DataFile, Device, Layer, OwnFile, Workload
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.plan.own import read_own
from orchestrator.plan.request import RunRequest
from orchestrator.stacks.ground import Ground, Unfit
from orchestrator.stacks.venvs import EITHER_WAY
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


STACKS = [load_catalog().stack(name) for name in ("keras3-jax", "keras3-torch")]


def own_plan(packages=("einops",), **changes):
    own = OwnFile(path="/home/me/my.py", sha256="1" * 64, contract="script", packages=list(packages))
    jobs = [make_job(workload="my", variant="own", dataset=None, stack=stack.name) for stack in STACKS]
    return make_plan(jobs=jobs, workloads=[Workload(name="my", title="my.py", own=own)], **changes)


def ground_of(stack):
    return Ground(stack=stack.name, python="3.11", pins={}, sha256="a" * 64)


def test_packages_that_cannot_be_had_cost_the_jobs_of_that_stack_alone(monkeypatch):
    asked, said = [], []

    def ready(ground, name, own, kept, way, say):
        asked.append((ground.stack, name, kept))
        if ground.stack == "keras3-torch":
            raise ground_refusal
        return Laid(layer=layer_of(ground.stack), path="/layer")

    monkeypatch.setattr(prepared.layers, "ready", ready)
    kept = layer_of("keras3-jax")
    for refusal, status in ((Unfit("they contradict"), "unsupported"), (HostError("no index", "try"), "failed")):
        ground_refusal = refusal
        laid, (missing,) = ready_layers(own_plan(layers=[kept]), STACKS, ground_of, EITHER_WAY, said.append)
        assert [each.layer.stack for each in laid] == ["keras3-jax"]
        assert (missing.stack, missing.workload, missing.status) == ("keras3-torch", "my", status)
        assert [missing.concerns(job) for job in own_plan().jobs] == [False, True]
        assert not missing.concerns(make_job(workload="other", stack="keras3-torch"))
    assert missing.reason == "no index; try" and said[-1] == "keras3-torch: no index\n  -> try"
    assert asked[:2] == [("keras3-jax", "my", kept), ("keras3-torch", "my", None)]


def test_a_script_that_asks_for_nothing_gets_nothing(monkeypatch):
    monkeypatch.setattr(prepared.layers, "ready", None)
    assert ready_layers(own_plan(packages=()), STACKS, ground_of, EITHER_WAY, print) == ([], [])
    assert assumed_layers(own_plan(packages=()), STACKS, ground_of) == []


def test_what_is_locked_now_comes_in_place_of_what_was_on_record():
    first, second = layer_of("keras3-jax"), layer_of("keras3-jax", lock="b==1")
    other = layer_of("keras3-torch")
    plan = with_layers(own_plan(layers=[first, other]), [second])
    assert plan.layers == [second, other]
    assert on_record(plan, "keras3-jax", "my") == second and on_record(plan, "keras3-jax", "your") is None


def layer_of(stack, lock="a==1"):
    return Layer(workload="my", stack=stack, asked=["einops"], base="a" * 64, lock=lock)


def script_in(folder: Path):
    own = OwnFile(path=str(folder / "my.py"), sha256="0" * 64, contract="script")
    return make_plan(jobs=[make_job(workload="my")], workloads=[Workload(name="my", title="my.py", own=own)])


@pytest.mark.parametrize("above", [".", ".."])
def test_no_container_sees_the_whole_home_folder_as_data(monkeypatch, tmp_path, above):
    (tmp_path / "me" / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    folder = tmp_path / "me" / above
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UserError, match="holds your home folder"):
        refuse_unshowable("podman", script_in(tmp_path / "me" / "work"), {"all": str(tmp_path / "link")})
    with pytest.raises(UserError, match="holds your home folder"):  # a plan that does not say what is to be shown of it
        refuse_unshowable("docker", script_in(folder), {})
    refuse_unshowable("process", script_in(folder), {"all": str(folder)})
    refuse_unshowable("docker", script_in(tmp_path / "me" / "work"), {"x": str(tmp_path / "me" / "work")})


@pytest.mark.parametrize("above", [".", ".."])
def test_a_script_in_the_home_folder_is_shown_without_its_folder(monkeypatch, tmp_path, above):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    folder = tmp_path / "me" / above
    (tmp_path / "me" / "net").mkdir(parents=True)
    for name in ("my.py", "helper.py", "keys.txt"):
        (folder / name).write_text("")
    (tmp_path / "me" / "net" / "__init__.py").write_text("")
    own = read_own(folder / "my.py").own
    assert {"my.py", "helper.py"} <= set(own.alone) and "keys.txt" not in own.alone
    refuse_unshowable("docker", make_plan(workloads=[read_own(folder / "my.py")]), {})


def test_data_are_files_and_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    (tmp_path / "me" / "work").mkdir(parents=True)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        refuse_unshowable("docker", script_in(tmp_path / "me" / "work"), {"x": str(tmp_path / "fifo")})
