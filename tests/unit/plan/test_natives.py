"""What runs without Keras: planned where it is asked for, and nowhere else; what it cannot do is said in words."""

from __future__ import annotations

import importlib.util

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.model import Unavailable
from orchestrator.plan import natives
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import load_config, override, presets
from orchestrator.plan.draft import make_plan
from orchestrator.plan.jobs import select_backends
from tests.conftest import ROOT
from tests.make import make_host, make_job

CATALOG = load_catalog()
EVERYTHING = msgspec.structs.replace(CATALOG, workloads=[*CATALOG.workloads, *CATALOG.models])
PLAIN = {"tensorflow-native", "jax-native", "torch-native"}


def planned(preset: str, **changes):
    return make_plan(override(load_config(preset), device="cpu", **changes), EVERYTHING, make_host())


def test_no_other_preset_has_them():
    for name in presets().keys() - {"native", "azure-nc6"}:
        assert not {job.backend for job in planned(name).planned} & PLAIN, name


def test_the_preset_has_each_library_with_and_without_keras():
    jobs = planned("native").jobs
    assert {(job.stack, job.backend) for job in jobs} == {
        (f"keras3-{library}", f"{library}{end}")
        for library in ("tensorflow", "jax", "torch")
        for end in ("", "-native")
    }
    assert {job.workload for job in jobs} == set(natives.WORKLOADS)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("torch-native", ["torch-native"]),
        ("t*-native", ["tensorflow-native", "torch-native"]),
        ("torch*", ["torch"]),
        ("t*", ["tensorflow", "theano", "torch"]),
    ],
)
def test_a_pattern_that_fits_keras_means_keras_alone(pattern, found):
    assert sorted(set(select_backends([pattern], CATALOG.stacks))) == found


def test_a_name_that_there_is_not_is_a_mistake():
    with pytest.raises(UserError, match="no backend is called 'theano-native'"):
        planned("all", backends=["theano-native"])


def test_a_stack_names_one_as_any_backend():
    found = CATALOG.stack("keras3-torch").backend("torch-native")
    assert (found.title, found.package, found.env) == ("plain PyTorch 2.13.0", {"cpu": "torch", "gpu": "torch"}, {})


def test_the_workloads_are_those_that_are_written():
    spec = importlib.util.spec_from_file_location("names", ROOT / "workloads" / "native" / "names.py")
    names = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(names)
    assert names.MODELS == natives.WORKLOADS
    assert {f"{name}-native" for name in names.LIBRARIES} == PLAIN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"workloads": ["gpt"]}, "without it there are mnist_mlp, cifar10_cnn and text_transformer"),
        ({"variants": ["modern"], "workloads": ["mnist_mlp"]}, "the modern variant is Keras' defaults of today"),
        ({"mode": "predict"}, "--mode predict is for models of Keras"),
        (
            {"vary": {"optimizer": ["adam"], "batch_size": [64]}},
            "optimizer is a setting of Keras: without it batch_size and",
        ),
    ],
)
def test_what_they_cannot_do_is_unsupported_with_the_reason(changes, reason):
    plan = planned("native", backends=["torch*", "torch-native"], **changes)
    assert {job.backend for job in plan.jobs} == {"torch"}
    assert {(skip.job.backend, skip.status) for skip in plan.skipped} == {("torch-native", "unsupported")}
    assert all(reason in skip.reason for skip in plan.skipped), plan.skipped


def test_batch_size_and_threads_can_be_varied():
    plan = planned(
        "native", backends=["jax-native"], workloads=["mnist_mlp"], vary={"batch_size": [32], "threads": [1]}
    )
    assert [job.axes for job in plan.jobs] == [{"batch_size": "32", "threads": "1"}] and not plan.skipped


def test_what_a_library_lacks_it_lacks_without_keras_too():
    lacks = Unavailable(status="unsupported", reason="no GPU", stack="keras3-torch", backend="torch")
    assert lacks.concerns(make_job(stack="keras3-torch", backend="torch-native"))
    assert not lacks.concerns(make_job(stack="keras3-torch", backend="jax-native"))
