"""`orchestrate merge`: runs as one set of tables."""

from __future__ import annotations

import json
import sys

import pytest

from orchestrator.cli.app import cli
from orchestrator.errors import HostError
from tests.unit.cli.verbs.makers import call

pytestmark = pytest.mark.slow


def test_runs_are_merged(runs, tmp_path):
    text = call("merge", *runs, "--to", tmp_path / "set")
    assert "35 jobs in" in text
    document = json.loads(call("merge", *runs, "--to", tmp_path / "set", "--json"))
    assert len(document["results"]) == 35


def test_without_duckdb_nothing_is_begun(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(HostError, match="`query` need duckdb, which is not installed"):
        cli.main(["merge", *map(str, runs), "--to", str(tmp_path / "set")], standalone_mode=False)
    assert not (tmp_path / "set").exists()
