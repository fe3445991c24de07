"""A recorded run of --mode predict on the backends of today, twice each, reported, merged and compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.replay.record import CALLS, RECORDED


def orchestrate(*argv, status=0):
    answer = subprocess.run(
        [sys.executable, "-m", "orchestrator", *map(str, argv)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        check=False,
    )
    assert answer.returncode == status, answer.stderr
    return answer


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(the run of calls, one that trains)."""
    folder = tmp_path_factory.mktemp("calls")
    shutil.unpack_archive(CALLS, folder / "calls")
    shutil.unpack_archive(RECORDED, folder / "trained")
    (called,) = (folder / "calls").glob("2*")
    return called, min((folder / "trained").glob("2*"))


def test_a_report_answers_in_milliseconds_and_shows_equal_outputs(runs, tmp_path):
    document = json.loads(orchestrate("report", runs[0], "--to", tmp_path, "--json").stdout)
    assert {row["mode"] for row in document["results"]} == {"predict"}
    assert {row["latency_way"] for row in document["results"]} == {"compiled"}
    first = document["cells"][0]
    assert (first["contender"], first["verdict"]) == ("JAX 0.10.2", "fastest")
    assert first["seconds"] == pytest.approx(0.000111, rel=0.01)
    assert document["answer"]["sentences"][0].startswith("JAX 0.10.2 answers first on MNIST MLP: 0.111 ms")
    text = (tmp_path / "report.md").read_text()
    assert "All contenders gave the same outputs" in text
    assert "**15,140 images/s**" in text


def test_runs_of_several_modes_are_never_put_together(runs, tmp_path):
    for verb, to in (("merge", "set"), ("report", "page")):
        said = orchestrate(verb, *runs, "--to", tmp_path / to, status=2).stderr
        assert "these runs timed different things (predict, train)" in said
    said = orchestrate("compare", *runs, status=2).stderr
    assert "these runs timed different things (predict, train)" in said


def test_two_runs_of_calls_compare_in_milliseconds(runs):
    said = orchestrate("compare", runs[0], runs[0]).stdout
    assert "cell, milliseconds per call" in said
    assert "mnist_mlp keras3-jax jax cpu predict" in said


def test_a_trend_leaves_it_out_and_says_so(runs, tmp_path):
    said = orchestrate("trend", runs[0].parent, "--to", tmp_path / "trend", status=1)
    assert "is left out: trends are of training" in said.stderr + said.stdout
