"""Recorded runs of five models on 21 contenders, 2017 to 2026: docs/ERAS.md says what comes out of their records."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.replay.record import ERAS
from tests.replay.test_swept import orchestrate

#: In the order of the tables: over all models together, and each.
MODELS = ("mnist_mlp", "mnist_cnn", "cifar10_cnn", "mnist_rnn", "babi_rnn")
COLUMNS = ("overall", *MODELS)
Reported = tuple[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Of the five runs as one set: the Markdown twin of its report, and its rows."""
    folder = tmp_path_factory.mktemp("eras")
    shutil.unpack_archive(ERAS, folder)
    orchestrate("merge", *sorted(folder.glob("2*")), "--to", folder / "all")
    rows = json.loads(orchestrate("report", folder / "all", "--to", folder / "report", "--json"))["results"]
    return (folder / "report" / "report.md").read_text(encoding="utf-8"), rows


@pytest.fixture(scope="module")
def docs() -> str:
    return (ROOT / "docs" / "ERAS.md").read_text(encoding="utf-8")


def tables(page: str, title: str) -> Iterator[list[str]]:
    """The rows of the tables of a section of the report, without their heads, as cells."""
    inside = False
    for line in page.splitlines():
        if line.startswith(("#", "<details>")):
            inside = title in line
        elif inside and line.startswith("| ") and not line.startswith(("| released", "| from")):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def over_the_years(reported: Reported) -> list[list[str]]:
    """A row for each contender: month, backend, Keras, times as fast as TensorFlow 1.3 over all models and on each."""
    return list(tables(reported[0], "Keras by year"))


def seconds(reported: Reported) -> Iterator[str]:
    """The other table of the docs: the median of the repeats, of each model."""
    known: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in reported[1]:
        known.setdefault((row["stack"], row["backend"]), {}).setdefault(row["workload"], []).append(row["epoch_s"])
    for (stack, backend), by_model in sorted(known.items()):
        assert [len(by_model[model]) for model in MODELS] == [5] * 5, (stack, backend)
        yield f"| `{stack}` | {backend} | {' | '.join(f'{statistics.median(by_model[m]):#.3g}' for m in MODELS)} |"


def test_every_job_was_ok_and_undisturbed(reported: Reported) -> None:
    assert len(reported[1]) == 21 * 5 * 5
    assert {(row["status"], bool(row["disturbed"])) for row in reported[1]} == {("ok", False)}


def test_the_table_over_the_years_is_that_of_the_report(reported: Reported, docs: str) -> None:
    lines = [f"| {' | '.join(row)} |" for row in over_the_years(reported)]
    assert len(lines) == 21
    assert [line for line in lines if line not in docs] == []


def test_the_seconds_of_the_docs_are_the_medians_of_the_records(reported: Reported, docs: str) -> None:
    lines = list(seconds(reported))
    assert len(lines) == 21
    assert [line for line in lines if line not in docs] == []


def steps(reported: Reported, column: str) -> dict[tuple[str, str], str]:
    """Each pair of the section on upgrades, by backend and version, and what is said of it in one column."""
    rows = tables(reported[0], "What does an upgrade cost or gain?")
    place = 2 + COLUMNS.index(column)
    return {(row[0].partition(" Keras ")[0], row[1].partition(" Keras ")[0]): row[place] for row in rows}


@pytest.mark.parametrize(
    ("model", "before", "after", "said"),
    [
        ("overall", "TensorFlow 1.3.0", "TensorFlow 2.21.0", "3.23–3.70 faster"),
        ("overall", "TensorFlow 1.3.0", "TensorFlow 1.15.0", "2.23–2.72 faster"),
        ("overall", "TensorFlow 2.1.0", "TensorFlow 2.5.3", "1.04–1.33 faster"),
        ("overall", "TensorFlow 2.8.4", "TensorFlow 2.11.1", "1.19–1.43 faster"),
        ("mnist_cnn", "TensorFlow 2.8.4", "TensorFlow 2.11.1", "1.40–1.83 faster"),
        ("cifar10_cnn", "TensorFlow 2.8.4", "TensorFlow 2.11.1", "1.30–2.40 faster"),
        ("overall", "TensorFlow 2.15.1", "TensorFlow 2.16.2", "0.768–0.976 slower"),
        ("overall", "Theano 0.9.0", "Theano 1.0.5", "1.01–1.17 faster"),
        ("overall", "CNTK 2.5.1", "CNTK 2.7", "1.05–1.27 faster"),
        ("overall", "MXNet 0.11.0", "MXNet 1.5.1", "no difference seen"),
        ("mnist_rnn", "MXNet 0.11.0", "MXNet 1.5.1", "1.37–2.13 faster"),
        ("mnist_rnn", "JAX 0.4.23", "JAX 0.10.2", "1.35–1.48 faster"),
        ("mnist_cnn", "JAX 0.4.23", "JAX 0.10.2", "0.590–1.10 no difference seen"),
        ("cifar10_cnn", "JAX 0.4.23", "JAX 0.10.2", "0.665–1.02 no difference seen"),
        ("mnist_rnn", "PyTorch 2.13.0+cpu", "PyTorch 2.13.0+cpu", "1.53–2.37 faster"),
        ("babi_rnn", "PyTorch 2.13.0+cpu", "PyTorch 2.13.0+cpu", "0.303–0.899 slower"),
        ("mnist_cnn", "PyTorch 2.13.0+cpu", "PyTorch 2.13.0+cpu", "0.535–0.841 slower"),
        ("cifar10_cnn", "PyTorch 2.13.0+cpu", "PyTorch 2.13.0+cpu", "no difference seen"),
    ],
)
def test_the_claims_of_the_docs_are_verdicts_of_the_reports(
    reported: Reported, model: str, before: str, after: str, said: str
) -> None:
    assert steps(reported, model)[before, after].endswith(said)


#: The steps of TensorFlow that show a difference, by the later version, beside that of 1.15 and all the way.
SEEN = {
    "overall": {"2.5.3", "2.11.1", "2.16.2"},
    "mnist_cnn": {"2.11.1"},
    "cifar10_cnn": {"2.11.1"},
    "mnist_rnn": {"2.5.3", "2.11.1", "2.15.1", "2.16.2"},
}


@pytest.mark.parametrize("column", COLUMNS)
def test_no_other_step_of_tensorflow_shows_a_difference(reported: Reported, column: str) -> None:
    said = {pair: text for pair, text in steps(reported, column).items() if pair[0].startswith("TensorFlow")}
    told = {pair for pair, text in said.items() if "no difference seen" not in text and pair[0] != "TensorFlow 1.3.0"}
    assert {after.removeprefix("TensorFlow ") for _, after in told} == SEEN.get(column, set())
    first = {after: text for (before, after), text in said.items() if before == "TensorFlow 1.3.0"}
    assert first.keys() == {"TensorFlow 1.15.0", "TensorFlow 2.21.0"}
    assert all(text.endswith(" faster") for text in first.values())


KERAS_3 = (
    "On TensorFlow 2.21.0, Keras 3.15.1 trains 0.78 to 0.94 times as fast as tf\\_keras 2.21.0 over 5 models together"
)


def test_keras_3_costs_time_on_the_hierarchical_rnn_alone(reported: Reported) -> None:
    assert f"- {KERAS_3}, 0.53× to 0.99× by model (surely slower on 1)." in reported[0]
    pair = ("TensorFlow 2.21.0 tf\\_keras 2.21.0", "TensorFlow 2.21.0 Keras 3.15.1")
    rows = tables(reported[0], "Keras apart from its backend")
    (said,) = [row[2:] for row in rows if tuple(cell.partition(",")[0] for cell in row[:2]) == pair]
    assert [column for column, text in zip(COLUMNS, said, strict=True) if "slower" in text] == ["overall", "mnist_rnn"]


def test_three_lead_and_all_are_keras_2(reported: Reported) -> None:
    leaders = "**TensorFlow 2.21.0 tf\\_keras 2.21.0, TensorFlow 2.15.1 and TensorFlow 2.11.1** lead; five repeats"
    assert leaders in reported[0]
    assert "corrected for their number (210 comparisons here)" in reported[0]
