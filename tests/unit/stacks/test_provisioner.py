"""What provisioners say of stacks that cannot be made ready, or only for some of their backends."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError, OrchestrateError, UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.provisioner import failed, format_error, without_cuda
from tests.make import make_job

STACK = load_catalog().stack("keras2-tensorflow-cntk")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HostError("no engine"), "keras2-tensorflow-cntk: no engine"),
        (UserError("no base", "name one"), "keras2-tensorflow-cntk: no base\n  -> name one"),
    ],
)
def test_a_person_is_told_the_hint_where_there_is_one(error: OrchestrateError, text: str):
    assert format_error(STACK, error) == text


def test_a_stack_that_could_not_be_made_costs_all_its_jobs_and_no_others():
    missing = failed(STACK, "environment", HostError("uv failed", "install uv"))
    assert (missing.status, missing.reason) == ("failed", "environment: uv failed")
    long = HostError(
        "\n".join(["the build failed at 3", *["  WARNING"] * 9, "  ERROR: x", "  ERROR: y", "it returned 1"])
    )
    assert failed(STACK, "image", long).reason == "image: the build failed at 3; ERROR: x; ERROR: y; it returned 1"
    assert missing.concerns(make_job(stack=STACK.name, backend="cntk"))
    assert missing.concerns(make_job(stack=STACK.name, backend="tensorflow", dataset="babi"))
    assert not missing.concerns(make_job())


def test_a_backend_that_lacks_cuda_costs_its_own_jobs_only():
    missing = without_cuda(STACK, "tensorflow", "gpu")
    assert missing.concerns(make_job(stack=STACK.name, backend="tensorflow"))
    assert not missing.concerns(make_job(stack=STACK.name, backend="cntk"))
    assert missing.status == "unsupported"
    reason = "the gpu image of keras2-tensorflow-cntk was built without CUDA 8.0, which tensorflow needs"
    assert missing.reason == f"{reason}; see docker/CUDA.md"
