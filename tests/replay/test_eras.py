"""Recorded runs of three models on 21 contenders from 2017 to 2026: docs/ERAS.md says what comes out of their records."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.replay.record import ERAS
from tests.replay.test_swept import orchestrate

MODELS = ("mnist_mlp", "cifar10_cnn", "babi_rnn")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set that the runs make, one of each model."""
    folder = tmp_path_factory.mktemp("eras")
    shutil.unpack_archive(ERAS, folder)
    runs = sorted(folder.glob("2*"))
    assert len(runs) == len(MODELS)
    orchestrate("merge", *runs, "--to", folder / "all")
    return folder / "all"


@pytest.fixture(scope="module")
def reported(whole: Path) -> tuple[str, list[dict[str, Any]]]:
    """(the Markdown twin of its report, its rows)."""
    to = whole.parent / "again"
    rows = json.loads(orchestrate("report", whole, "--to", to, "--json"))["results"]
    return (to / "report.md").read_text(encoding="utf-8"), rows


@pytest.fixture(scope="module")
def docs() -> list[str]:
    return (ROOT / "docs" / "ERAS.md").read_text(encoding="utf-8").splitlines()


def part(page: str, title: str) -> Iterator[str]:
    """The lines of a section of the report that are rows of tables."""
    inside = False
    for line in page.splitlines():
        if line.startswith("#"):
            inside = line.lstrip("# ") == title
        elif inside and line.startswith("|"):
            yield line


def seconds(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The table of seconds per epoch: a row for each contender, the median of its repeats of each model."""
    known: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        known.setdefault((row["stack"], row["backend"]), {}).setdefault(row["workload"], []).append(row["epoch_s"])
    for (stack, backend), by_model in sorted(known.items()):
        assert {len(values) for values in by_model.values()} == {5}, (stack, backend)
        cells = (f"{statistics.median(by_model[model]):#.3g}" for model in MODELS)
        yield f"| `{stack}` | {backend} | {' | '.join(cells)} |"


def test_every_job_was_ok_and_undisturbed(reported: Any) -> None:
    assert len(reported[1]) == 21 * len(MODELS) * 5
    assert {(row["status"], bool(row["disturbed"])) for row in reported[1]} == {("ok", False)}


def test_the_table_over_the_years_is_that_of_the_report(reported: Any, docs: list[str]) -> None:
    table = list(part(reported[0], "Keras by year"))
    assert len(table) == 2 + 21
    assert [line for line in table if line not in docs] == []


def test_the_seconds_of_the_docs_are_the_medians_of_the_records(reported: Any, docs: list[str]) -> None:
    table = list(seconds(reported[1]))
    assert len(table) == 21
    assert [line for line in table if line not in docs] == []
