"""The recorded run of the MLP on 21 contenders from 2017 to 2026: docs/ERAS.md says what comes out of its records."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.replay.record import ERAS
from tests.replay.test_swept import orchestrate, unpacked

LINE = (
    r"^\| (\d{4}-\d\d) \| (?:Keras|tf_keras) ([\d.]+), (\w+) (\S+) \| ([\d.]+) "
    r"\| ([\d.]+)(?: \(([\d.]+) to ([\d.]+)\))? \|$"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(ERAS, tmp_path_factory.mktemp("eras"))


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    """The Markdown twin of its report."""
    orchestrate("report", run, "--to", run.parent / "again")
    return (run.parent / "again" / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def told() -> list[tuple[str, ...]]:
    """The lines of the table of the docs: month, Keras, backend, its version, seconds, times as fast, its interval."""
    return re.findall(LINE, (ROOT / "docs" / "ERAS.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_seconds_of_the_docs_are_the_medians_of_the_records(run: Path, told: list[tuple[str, ...]]) -> None:
    seconds: dict[tuple[str, str], list[float]] = {}
    for row in json.loads(orchestrate("report", run, "--to", run.parent / "other", "--json"))["results"]:
        assert row["status"] == "ok" and not row["disturbed"]
        seconds.setdefault((row["keras_version"], row["backend"]), []).append(row["epoch_s"])
    assert len(told) == 21 and {len(values) for values in seconds.values()} <= {5, 10}
    by_two = {(keras, backend.lower().replace("pytorch", "torch")): float(s) for _, keras, backend, _, s, *_ in told}
    for known, figure in by_two.items():
        values = seconds[known]
        if len(values) == 5:  # two versions of TensorFlow ran under one Keras
            assert figure == pytest.approx(statistics.median(values), abs=6e-4), known


def test_the_intervals_of_the_docs_are_those_of_the_report(page: str, told: list[tuple[str, ...]]) -> None:
    for _, keras, backend, version, _, times, low, high in told:
        interval = f" {low}–{high}" if low else ""
        line = rf"\| {backend} {re.escape(version)} \| [\w\\]*eras {re.escape(keras)} \| \*\*{times}×\*\*{interval} \|"
        assert re.search(line, page), line


def test_the_claims_of_the_docs_are_verdicts_of_the_report(page: str) -> None:
    first = "| TensorFlow 1.3.0 Keras 2.0.8, Aug 2017 | TensorFlow "
    for claim in (
        f"{first}1.15.0 Keras 2.3.1, Oct 2019 | **2.41×** 2.05–2.98 faster |",
        f"{first}2.21.0 Keras 3.15.1, Jul 2026 | **2.60×** 2.02–3.24 faster |",
        "- On TensorFlow 2.21.0, Keras 3.15.1 trains 0.92 times as fast as tf\\_keras 2.21.0 (no difference seen).",
        "- On PyTorch 2.13.0+cpu, Keras 3.15.1 trains 1.01 to 1.34 times as fast as Keras 3.12.0.",
    ):
        assert claim in page, claim
    upgrades = page[page.index("What does an upgrade cost or gain?") : page.index("Keras apart from its backend")]
    steps = [line for line in upgrades.splitlines() if line.startswith("| TensorFlow") and "1.3.0" not in line]
    assert len(steps) == 9 and all(line.endswith("no difference seen |") for line in steps)
