"""The models of today: files beside the article's five, which run where they are named and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.launchers.container import Image, container_spec
from orchestrator.launchers.process import Interpreter, ProcessLauncher
from orchestrator.model import Device
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, presets
from orchestrator.plan.draft import make_plan
from orchestrator.plan.models import shipped_models
from orchestrator.plan.request import RunRequest
from orchestrator.run import bring
from orchestrator.stacks.ground import Ground, cannot_run
from orchestrator.text import silent
from tests.conftest import ROOT
from tests.make import make_context, make_host

CATALOG = load_catalog()
FOLDER = ROOT / "workloads" / "models"
EVERY = [model.name for model in CATALOG.models]
CPU = Device(kind="cpu", name="cpu:0", cores=[0])


def planned(tmp_path, config):
    request = RunRequest(config=config, out=tmp_path)
    asked, catalog = bring.brought(request, silent)
    return make_plan(asked.config, catalog, make_host())


def test_every_model_says_what_a_catalog_must_know():
    for model in CATALOG.models:
        assert model.own.shipped and model.own.contract == "module"
        assert {"smoke", "quick", "article", "gpu"} == set(model.scales)
        assert model.title and model.kind and model.parameters and model.batch_size
        assert set(model.learned) <= set(model.scales) - {"smoke"}


@pytest.mark.parametrize("config", [Config(), Config(workloads=["*"]), presets()["all"], presets()["smoke"]])
def test_what_does_not_name_them_runs_the_articles_five(tmp_path, config):
    plan = planned(tmp_path, msgspec.structs.replace(config, device="cpu"))
    assert len(plan.jobs) == 35 and not plan.workloads
    assert not {job.workload for job in plan.jobs} & set(EVERY)


def test_the_preset_has_all_of_them_and_the_mlp(tmp_path):
    plan = planned(tmp_path, msgspec.structs.replace(presets()["models"], device="cpu", scale="smoke"))
    assert {job.workload for job in plan.jobs} == {"mnist_mlp", *EVERY}
    assert {job.stack for job in plan.jobs} == {"keras3-tensorflow", "keras3-jax", "keras3-torch"}
    assert [workload.name for workload in plan.workloads] == EVERY


def test_a_name_or_a_pattern_brings_a_model_into_any_run(tmp_path):
    plan = planned(tmp_path, Config(workloads=["mnist_mlp", "gp*"], stacks=["keras3-jax"]))
    assert {(job.workload, job.variant, job.scale) for job in plan.jobs} == {
        ("mnist_mlp", "faithful", "quick"),
        ("gpt", "own", "quick"),
    }
    with pytest.raises(UserError, match="no workload is called 'gtp'") as caught:
        planned(tmp_path, Config(workloads=["gtp"]))
    assert "did you mean 'gpt'?" in caught.value.hint


def test_a_stack_whose_keras_is_too_old_is_left_out_before_anything_runs(tmp_path):
    plan = planned(tmp_path, Config(workloads=["gpt"], stacks=["keras2-theano", "keras3-jax"]))
    (missing,) = cannot_run(plan, CATALOG.stacks, lambda stack: Ground(stack=stack.name, python="3.11"))
    assert (missing.status, missing.stack, missing.workload) == ("unsupported", "keras2-theano", "gpt")
    assert missing.reason.startswith("gpt.py needs MultiHeadAttention (since Keras 2.4)")
    assert missing.reason.endswith("and keras2-theano has Keras 2.0.8")


def test_a_job_gets_the_file_its_scale_and_where_its_data_come_from(tmp_path):
    plan = planned(tmp_path, Config(workloads=["gpt"], stacks=["keras3-jax"], scale="smoke"))
    (tmp_path / "mnist.npz").touch()
    context = msgspec.structs.replace(
        make_context(ROOT / "workloads", tmp_path / "mnist.npz"),
        own=plan.own,
        stacks={stack.name: stack for stack in CATALOG.stacks},
    )
    image = {"keras3-jax": Image(name="image:1", digest="sha256:1")}
    spec = container_spec(context, image, plan.jobs[0], CPU, tmp_path)
    words = " ".join(spec.command)
    assert "/workloads/own.py /workloads/models/gpt.py" in words and "--scale smoke" in words
    assert "--data-kind generated" in words and "--dataset" not in words
    assert "/own" not in [inside for _, inside, _ in spec.binds]
    process = ProcessLauncher(context, {"keras3-jax": Interpreter(python="/p", lock_sha256="0" * 64)}, tmp_path)
    assert str(FOLDER / "gpt.py") in process.describe(plan.jobs[0], CPU, tmp_path).command


def test_a_recorded_run_goes_on_with_the_models_that_are_here(tmp_path):
    """A plan may be anybody's: where it says that a model lies is not believed."""
    plan = planned(tmp_path, Config(workloads=["gpt"], stacks=["keras3-jax"]))
    (model,) = plan.workloads
    theirs = msgspec.structs.replace(model, own=msgspec.structs.replace(model.own, path="/theirs.py"))
    again = bring.reopened(msgspec.structs.replace(plan, workloads=[theirs]), CATALOG)
    assert again.own["gpt"].path == str(FOLDER / "gpt.py")
    gone = msgspec.structs.replace(plan, workloads=[msgspec.structs.replace(theirs, name="lstm9000")])
    with pytest.raises(UserError, match="no model 'lstm9000'"):
        bring.reopened(gone, CATALOG)


def test_a_file_of_ones_own_never_takes_the_name_of_a_model(tmp_path):
    file = tmp_path / "gpt.py"
    file.write_text("x = 1\n")
    _, catalog = bring.brought(RunRequest(config=Config(workloads=[str(file)]), out=tmp_path), silent)
    assert [each.name for each in catalog.workloads if each.brought] == ["gpt-own"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('TITLE = "GPT"\n', "", "missing required field `title`"),
        ("BATCH = 32\n", "", "lacks BATCH or SCALES"),
        ('"keras.ops"]', '"FlashAttention"]', "nobody has said which Keras has FlashAttention"),
        ("def build", "def built", "lacks build"),
    ],
)
def test_a_file_that_says_too_little_is_a_mistake_with_its_name(tmp_path, old, new, fault):
    path = Path(shutil.copy(FOLDER / "gpt.py", tmp_path))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=rf"gpt\.py: .*{fault}"):
        shipped_models(tmp_path)
