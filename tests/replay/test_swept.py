"""A recorded run of `--vary` on a busy host: three widths of a module, jit off and on, JAX and TensorFlow, twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.replay.record import SWEPT

WIDTHS = ("16", "64", "256")


def orchestrate(*argv: object, status: int = 0) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "orchestrator", *map(str, argv)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert answer.returncode == status, answer.stderr
    return answer.stdout


def unpacked(archive: Path, folder: Path) -> Path:
    """The run of an archive that holds one."""
    shutil.unpack_archive(archive, folder)
    (found,) = folder.glob("2*")
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(SWEPT, tmp_path_factory.mktemp("swept"))


@pytest.fixture(scope="module")
def reported(run: Path) -> tuple[Path, dict[str, Any]]:
    """(folder of the report, its JSON document)."""
    to = run.parent / "again"
    return to, json.loads(orchestrate("report", run, "--to", to, "--json"))


def test_the_answer_begins_with_the_best_setting_and_says_how_unsure_it_is(reported: Any) -> None:
    first = reported[1]["answer"]["sentences"][0]
    assert first.startswith(
        "wide.py: JAX 0.10.2 at jit=on, width=16 was fastest: 37,368 samples/s; TensorFlow 2.21.0, "
    )
    assert "is not told from it by two repeats" in first and first.endswith("; this rests on disturbed figures.")


def test_the_page_has_a_table_along_each_axis_with_the_other_held_fixed(reported: Any) -> None:
    text = (reported[0] / "report.md").read_text()
    titles = [f"**wide.py along jit with width={width}**" for width in WIDTHS]
    titles += [f"**wide.py along width with jit={jit}**" for jit in ("off", "on")]
    assert [line for line in text.splitlines() if line.startswith("**wide.py along")] == titles
    # The one difference that two repeats told for certain, forty times: corrected, its interval holds no 1.
    assert "**JAX 0.10.2** is fastest at jit=on: 14,552 samples/s, 1.06 to 1,661.60 times as fast as at jit=off" in text
    picture = (reported[0] / "charts" / "sweeps.svg").read_text()
    assert "JAX 0.10.2 at width=64: " in picture and "width (log scale)" in picture


def test_a_set_of_the_run_says_the_same_and_compares_the_same_along_an_axis(run: Path, reported: Any) -> None:
    to = run.parent / "set"
    orchestrate("merge", run, "--to", to)
    document = json.loads(orchestrate("report", to, "--json"))
    assert document["answer"]["sentences"] == reported[1]["answer"]["sentences"]
    one, other = (json.loads(orchestrate("compare", each, "--along", "width", "--json")) for each in (run, to))
    assert one == other and len(one["ratios"]) == 8
    assert {ratio["cell"]["along"] for ratio in one["ratios"]} == {f"width=16 to {width}" for width in WIDTHS[1:]}
    assert {ratio["verdict"].partition(";")[0] for ratio in one["ratios"]} == {"not certain: 2 repeats are too few"}
    orchestrate("compare", run, "--along", "width", "--threshold", "5%")
