"""Which stack can feed which workload by which pipeline."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.model import Found, OwnFile, OwnStack, Workload
from orchestrator.plan import pipelines
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.jobs import make_jobs
from tests.conftest import ROOT
from tests.unit.plan.test_axes import WISH

CATALOG = load_catalog()
MLP = next(workload for workload in CATALOG.workloads if workload.name == "mnist_mlp")


@pytest.mark.parametrize(
    ("stack", "pipeline", "why"),
    [
        ("keras3-tensorflow", "tf.data", ""),
        ("keras3-torch", "dataloader", ""),
        ("keras3-jax", "pydataset", ""),
        ("keras2-theano", "arrays", ""),
        ("keras3-jax", "grain", "pipeline=grain needs Grain, which keras3-jax lacks"),
        ("keras30-jax0423", "grain", "fit() of Keras 3.0.5 takes no grain here: 3.11 was the first"),
        ("keras3-jax", "", ""),
        ("keras3-jax", "tf.data", "pipeline=tf.data needs TensorFlow, which keras3-jax lacks"),
        ("keras3-tensorflow", "dataloader", "pipeline=dataloader needs PyTorch, which keras3-tensorflow lacks"),
        ("keras2-tensorflow-cntk", "tf.data", "fit() of Keras 2.0.8 takes no tf.data here: 2.4 was the first"),
        ("keras2-theano", "dataloader", "fit() of Keras 2.0.8 takes no dataloader here: 3.0 was the first"),
    ],
)
def test_a_stack_without_the_library_says_so(stack: str, pipeline: str, why: str) -> None:
    assert pipelines.lacking(pipeline, CATALOG.stack(stack), MLP) == why


def test_packages_that_were_found_or_asked_for_count() -> None:
    jax = CATALOG.stack("keras3-jax")
    found = Found(kind="python", place="/x", sha256="0" * 64, packages=["jax==0.10.2", "tensorflow-cpu==2.21.0"])
    assert pipelines.lacking("tf.data", msgspec.structs.replace(jax, found=found), MLP) == ""
    where = OwnStack(
        path="/a", sha256="0" * 64, like=jax.name, lock="/l", lock_sha256="1" * 64, packages=["grain==0.2.18"]
    )
    assert pipelines.lacking("grain", msgspec.structs.replace(jax, own=where), MLP) == ""
    own = OwnFile(path="/my.py", sha256="0" * 64, contract="module", packages=["torch>=2"])
    assert pipelines.lacking("dataloader", jax, Workload(name="my", title="My", own=own)) == ""


def test_a_workload_that_makes_its_batches_itself_has_no_pipeline() -> None:
    marked = {workload.name for workload in CATALOG.workloads if workload.makes_batches}
    files = (ROOT / "workloads").glob("*.py")
    assert marked == {file.stem for file in files if "\ndef batches(samples" in file.read_text()}
    cnn = next(workload for workload in CATALOG.workloads if workload.name in marked)
    assert "makes its batches" in pipelines.lacking("arrays", CATALOG.stack("keras3-jax"), cnn)
    assert pipelines.lacking("", CATALOG.stack("keras3-jax"), cnn) == ""


def test_calls_without_training_have_no_pipeline() -> None:
    with pytest.raises(UserError, match="--vary pipeline feeds fit"):
        wish = msgspec.structs.replace(WISH, mode="predict", vary={"pipeline": ["arrays"]})
        make_jobs(wish, CATALOG.stacks, CATALOG.workloads)
