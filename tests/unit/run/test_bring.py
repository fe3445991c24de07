"""What a run has beside the catalog: it stands by its name in the request, and in every plan that is opened again."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.plan.request import RunRequest
from orchestrator.run import bring
from orchestrator.text import silent
from tests.fakes.pythons import ANSWER, fake_python, saying
from tests.make import make_plan


def request(tmp_path, workloads):
    return RunRequest(config=Config(workloads=workloads), out=tmp_path / "results")


def script(tmp_path, name="my.py"):
    path = tmp_path / name
    path.write_text("x = 1\n")
    return str(path)


def test_a_file_becomes_a_workload_beside_those_of_the_catalog(tmp_path):
    asked, catalog = bring.brought(request(tmp_path, ["mnist_*", script(tmp_path)]), silent)
    assert asked.config.workloads == ["mnist_*", "my"]
    assert catalog.workload("my").own.path == str(tmp_path / "my.py")
    assert catalog.workload("mnist_mlp").own is None


def test_a_request_that_brings_nothing_is_as_it_was(tmp_path):
    asked = request(tmp_path, ["*"])
    assert bring.brought(asked, silent) == (asked, load_catalog())


def test_a_recorded_plan_brings_what_it_recorded_whatever_became_of_it(tmp_path):
    _, catalog = bring.brought(request(tmp_path, [script(tmp_path)]), silent)
    plan = make_plan(workloads=[catalog.workload("my")])
    (tmp_path / "my.py").unlink()
    assert bring.recorded(load_catalog(), [plan, make_plan()]).workload("my").title == "my.py"
    with pytest.raises(UserError, match="is gone"):
        bring.reopened(plan, load_catalog())


def test_a_plan_cannot_put_anything_in_the_place_of_the_catalogs_own(tmp_path):
    ours = load_catalog()
    theirs = msgspec.structs.replace(ours.workload("mnist_mlp"), learned={"quick": 0.01})
    assert bring.recorded(ours, [make_plan(workloads=[theirs])]) == ours


def test_a_plan_that_is_opened_again_has_the_files_of_now(tmp_path):
    _, catalog = bring.brought(request(tmp_path, [script(tmp_path)]), silent)
    plan = make_plan(workloads=[catalog.workload("my")])
    assert bring.reopened(plan, load_catalog()) == plan
    (tmp_path / "my.py").write_text("x = 2\n")
    now = bring.reopened(plan, load_catalog()).workloads[0].own
    assert now.sha256 != plan.workloads[0].own.sha256
    assert now.path == plan.workloads[0].own.path


@pytest.mark.parametrize(
    ("stacks", "names"), [(["*"], ["e"]), (["keras3-jax"], ["keras3-jax", "e"]), (["?*"], ["?*", "e"])]
)
def test_a_found_environment_takes_the_place_of_stacks_that_are_not_named(tmp_path, stacks, names):
    python = fake_python(tmp_path / "e" / "bin" / "python", saying(ANSWER))
    asked = RunRequest(config=Config(pythons=[python], stacks=stacks), out=tmp_path)
    asked, catalog = bring.brought(asked, silent)
    assert asked.config.stacks == names and catalog.stack("e").found.place == python


def test_a_keras_of_ones_own_does_not_go_with_a_found_environment(tmp_path):
    with pytest.raises(UserError, match="--keras-spec makes environments"):
        bring.brought(RunRequest(config=Config(pythons=["/x"]), out=tmp_path, keras_spec="keras"), silent)


HASH = " \\\n    --hash=sha256:" + "a" * 64 + "\n"


def stack_file(tmp_path, name="jax62", lock=True, text="like: keras3-jax\npackages: [keras==3.10.0, jax==0.6.2]\n"):
    (tmp_path / f"{name}.yaml").write_text(text)
    if lock:
        (tmp_path / f"{name}-cpu.txt").write_text(f"keras==3.10.0{HASH}jax==0.6.2{HASH}")
    return str(tmp_path / f"{name}.yaml")


def with_stacks(tmp_path, *stacks, **config):
    return RunRequest(config=Config(stacks=list(stacks), device="cpu", **config), out=tmp_path / "results")


def test_a_file_becomes_a_stack_beside_those_of_the_catalog(tmp_path):
    asked, catalog = bring.brought(with_stacks(tmp_path, "keras3-jax", stack_file(tmp_path)))
    assert asked.config.stacks == ["keras3-jax", "jax62"]
    stack = catalog.stack("jax62")
    assert (stack.keras, stack.own.path) == ("3.10.0", str(tmp_path / "jax62.yaml"))
    plan = make_plan(stacks=[stack])
    assert bring.recorded(load_catalog(), [plan]).stack("jax62") == stack


def test_a_bad_file_alone_ends_what_was_asked_for(tmp_path):
    with pytest.raises(UserError, match="no stack 'keras9'"):
        bring.brought(with_stacks(tmp_path, stack_file(tmp_path, text="like: keras9\npackages: [a]\n")))


@pytest.mark.parametrize("other", ["keras3-*", "a file"])
def test_a_bad_file_beside_others_is_one_line(tmp_path, other):
    bad = stack_file(tmp_path, "bad", text="like: keras9\npackages: [a]\n")
    said: list[str] = []
    beside = stack_file(tmp_path) if other == "a file" else other
    asked, _ = bring.brought(with_stacks(tmp_path, bad, beside), said.append)
    assert asked.config.stacks == ["jax62" if other == "a file" else other]
    (line,) = said
    assert line.startswith("left out: bad.yaml: `like`: there is no stack 'keras9'; did you mean")


def test_two_files_of_one_name_are_told_apart(tmp_path):
    (tmp_path / "b").mkdir()
    said: list[str] = []
    files = [stack_file(tmp_path), stack_file(tmp_path / "b")]
    asked, catalog = bring.brought(with_stacks(tmp_path, *files), said.append)
    assert asked.config.stacks == ["jax62"]
    assert catalog.stack("jax62").own.path == files[0]
    assert "another file names its stack 'jax62', too" in said[0]


def test_what_only_looks_makes_no_lock(tmp_path):
    file = stack_file(tmp_path, lock=False)
    with pytest.raises(UserError, match="has no lock yet"):
        bring.brought(with_stacks(tmp_path, file), may_lock=False)
    faults = []
    asked, _ = bring.brought(with_stacks(tmp_path, file), may_lock=False, on_fault=faults.append)
    assert asked.config.stacks == ["*"]
    assert len(faults) == 1


def test_a_cluster_does_not_know_a_stack_of_ones_own(tmp_path):
    with pytest.raises(UserError, match="jax62 is a stack of your own, which runs on this host only"):
        bring.brought(with_stacks(tmp_path, stack_file(tmp_path), executor="slurm"))


def test_a_plan_whose_lock_is_another_now_is_not_opened_again(tmp_path):
    _, catalog = bring.brought(with_stacks(tmp_path, stack_file(tmp_path)))
    plan = make_plan(stacks=[catalog.stack("jax62")])
    assert bring.reopened(plan, load_catalog()) == plan
    with (tmp_path / "jax62-cpu.txt").open("a") as stream:
        stream.write("# x")
    with pytest.raises(HostError, match="the lock of jax62 was changed since this was planned"):
        bring.reopened(plan, load_catalog())
