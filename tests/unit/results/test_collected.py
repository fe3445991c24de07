"""What a merge holds in memory is where its rows are, not the rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.results.collected import Collected
from orchestrator.results.folder import RunFolder
from orchestrator.results.hands import Hands
from orchestrator.results.source import read_source


def test_rows_are_given_in_the_order_in_which_jobs_were_met(runs, tmp_path):
    with Collected(tmp_path) as collected, Hands(1) as none:
        for run in (runs[1], runs[0], runs[1]):
            collected.add(run, RunFolder.open(run), none)
        wanted = [row for run in (runs[1], runs[0]) for row in read_source(run).rows]
        assert list(collected.rows()) == wanted
        assert list(collected.rows()) == wanted, "they can be read twice"
        assert (len(collected), collected.identical) == (35, 15)
        assert list(collected.sources.values()) == [15, 20]
        epochs = collected.epochs_written().read_bytes().splitlines()
    assert len(epochs) == sum(len(read_source(run).epochs) for run in runs)


def test_runs_of_several_modes_are_refused_at_the_first_of_another(runs, tmp_path):
    with Collected(tmp_path) as collected, Hands(1) as none:
        collected.add(runs[0], RunFolder.open(runs[0]), none)
        row = next(collected.rows())
        collected._take({**row, "run_id": "another", "mode": "predict"}, "there")
        with pytest.raises(UserError, match="timed different things"):
            collected.add(runs[0], RunFolder.open(runs[0]), none)


def test_a_disk_that_fills_up_is_said_once_and_nothing_stays_open(runs, tmp_path):
    """What waits in the buffer is written again when the file is closed, and refused again."""
    with pytest.raises(HostError, match="disk full while writing"), Collected(tmp_path) as collected, Hands(1) as none:
        with Path("/dev/full").open("w+b", buffering=0) as full:
            os.dup2(full.fileno(), collected._rows.fileno())
        for _ in range(100):
            collected._paths.append("there")
            collected.add(runs[0], RunFolder.open(runs[0]), none)
    assert collected._rows.closed and collected._epochs.closed
