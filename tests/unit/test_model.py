"""Job ids are reversible and fit for folders and containers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model import parse_job_id
from tests.make import make_job

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)


@given(
    names, names, names, st.sampled_from(["cpu", "gpu"]), st.integers(1, 9999), st.sampled_from(["faithful", "modern"])
)
def test_job_id_is_reversible(workload, stack, backend, device, repeat, variant):
    job = make_job(workload=workload, stack=stack, backend=backend, device=device, repeat=repeat, variant=variant)
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", job.id)
    assert parse_job_id(job.id) == {
        "workload": workload,
        "variant": variant,
        "stack": stack,
        "backend": backend,
        "device": device,
        "repeat": repeat,
    }


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.cpu.x", "a..c.cpu.1", "a.b.c.d.e.f.1"])
def test_other_texts_are_no_job_ids(text):
    with pytest.raises(ValueError, match="not a job id"):
        parse_job_id(text)
