"""Job ids name folders and containers, and no two jobs share one; records have one form."""

from __future__ import annotations

import json
import os
import re

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model import to_json
from tests.make import make_job

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
jobs = st.builds(
    make_job,
    workload=names,
    stack=names,
    backend=names,
    device=st.sampled_from(["cpu", "gpu"]),
    repeat=st.integers(1, 9999),
    variant=st.sampled_from(["faithful", "modern"]),
)


@given(jobs)
def test_an_id_is_fit_for_a_folder_and_a_container(job):
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", job.id)


@given(jobs, jobs)
def test_different_jobs_have_different_ids(one, other):
    assert (one.id == other.id) == ((one.cell, one.repeat) == (other.cell, other.repeat))


def test_a_record_is_one_indented_object_with_a_last_line_end():
    text = to_json({"results": [{"s": 1.5, "n": None}]})
    assert json.loads(text) == {"results": [{"s": 1.5, "n": None}]}
    assert text.startswith(b'{\n "results"') and text.endswith(b"}\n")


def test_a_name_that_is_no_text_is_written_as_its_bytes():
    odd = os.fsdecode(b"r\xe9s")
    assert json.loads(to_json({odd: [odd, {"a": odd}], "n": 1})) == {
        "r\\udce9s": ["r\\udce9s", {"a": "r\\udce9s"}],
        "n": 1,
    }


def test_a_record_steers_no_terminal_that_shows_it():
    text = "\x1b\x7f\x85\x9b\u061c\u200e\u2028\u202e\u2066é→"
    written = to_json({"x": text}).decode()
    assert written == '{\n "x": "\\u001b\\u007f\\u0085\\u009b\\u061c\\u200e\\u2028\\u202e\\u2066é→"\n}\n'
    assert json.loads(written) == {"x": text}
