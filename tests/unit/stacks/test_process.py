"""A site of environments: what it made is on the disk before a job starts."""

from __future__ import annotations

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import process, venvs

CATALOG = load_catalog()
TODAY = [stack for stack in CATALOG.stacks if stack.era == "today"]


@pytest.mark.parametrize(("seconds", "waits"), [([0.0, 0.0, 0.0], 0), ([0.0, 3.5, 0.0], 1), ([1.0, 1.0, 1.0], 1)])
def test_jobs_wait_until_what_was_made_is_on_the_disk(monkeypatch: pytest.MonkeyPatch, seconds, waits):
    made, settled = iter(seconds), []
    monkeypatch.setattr(venvs, "ensure", lambda *_: venvs.Venv(python="p", lock_sha256="0", seconds=next(made)))
    monkeypatch.setattr(process, "flush_to_disk", lambda: settled.append(1))
    assert process.ProcessProvisioner(CATALOG, lambda line: None).prepare(TODAY, "cpu") == []
    assert len(settled) == waits
