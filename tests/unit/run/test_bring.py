"""What a run has beside the catalog: it stands by its name in the request, and in every plan that is opened again."""

from __future__ import annotations

import pytest

from orchestrator.errors import UserError
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
        bring.reopened(plan)


def test_a_plan_that_is_opened_again_has_the_files_of_now(tmp_path):
    _, catalog = bring.brought(request(tmp_path, [script(tmp_path)]), silent)
    plan = make_plan(workloads=[catalog.workload("my")])
    assert bring.reopened(plan) == plan
    (tmp_path / "my.py").write_text("x = 2\n")
    now = bring.reopened(plan).workloads[0].own
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
