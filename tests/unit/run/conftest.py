"""Whole runs of stub jobs, in this process."""

from __future__ import annotations

import sys

import pytest

from orchestrator.cli import app
from orchestrator.run import session
from orchestrator.stacks import venvs
from tests.fakes import stub_orchestrate


@pytest.fixture
def here(monkeypatch, capfdbinary):
    """Commands in this process: the same code, without the start of an interpreter each time."""
    monkeypatch.setattr(venvs, "ensure", stub_orchestrate.this_python)
    monkeypatch.setattr(session, "report", stub_orchestrate.rows_only)
    monkeypatch.setenv("COLUMNS", "200")

    def make(bench):
        def finish(*words):
            capfdbinary.readouterr()
            monkeypatch.setattr(sys, "argv", ["orchestrate", *map(str, bench.placed(words))])
            with pytest.raises(SystemExit) as ended:
                app.main()
            sys.stdout.flush()
            out, err = capfdbinary.readouterr()
            return ended.value.code, out.decode(), err.decode()

        return finish

    return make
