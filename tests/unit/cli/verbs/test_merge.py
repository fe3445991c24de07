"""`orchestrate merge`: runs as one set of tables."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.verbs.makers import call

pytestmark = pytest.mark.slow


def test_runs_are_merged(runs, tmp_path):
    text = call("merge", *runs, "--to", tmp_path / "set")
    assert "35 jobs in" in text
    document = json.loads(call("merge", *runs, "--to", tmp_path / "set", "--json"))
    assert len(document["results"]) == 35
