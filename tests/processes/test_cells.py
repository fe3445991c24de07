"""Today's stacks without an engine: virtual environments made from the locks, all fifteen cells as processes."""

from __future__ import annotations

import json

import pytest

from tests.cells import PARAMETERS, reasons, run
from tests.conftest import REQUIRED

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    out = tmp_path_factory.mktemp("cells")
    code, rows, stderr = run(out, "--launcher", "process")
    unreachable = [row for row in rows if "package index" in row["reason"] or "no Python 3.11" in row["reason"]]
    if unreachable and not REQUIRED:
        pytest.skip(unreachable[0]["reason"])
    return out, code, rows, stderr


def test_fifteen_of_fifteen_and_the_old_ones_are_explained(cells):
    _, code, rows, stderr = cells
    today = [row for row in rows if row["stack"].startswith("keras3")]
    assert reasons(today) == {}, stderr[-3000:]
    assert len(today) == 15
    old = {row["status"] for row in rows if not row["stack"].startswith("keras3")}
    assert old <= {"unsupported", "ok", "failed"}
    assert code == (0 if "failed" not in old else 1)


def test_every_cell_is_the_same_model(cells):
    today = [row for row in cells[2] if row["stack"].startswith("keras3")]
    assert {(row["workload"], row["parameters"]) for row in today} == set(PARAMETERS.items())


def test_every_job_tells_of_its_phases(cells):
    files = list(cells[0].glob("2*/jobs/*keras3*/events.jsonl"))
    assert len(files) == 15
    for path in files:
        events = [json.loads(line) for line in path.read_text().splitlines()]
        phases = {event["name"] for event in events if event["event"] == "phase"}
        assert phases == {"import", "data", "build", "compile", "fit_setup", "first_batch"}
