"""Recorded runs of three models on 21 contenders, 2017 to 2026: docs/ERAS.md says what comes out of their records."""

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

#: In the order of the docs.
MODELS = ("mnist_mlp", "cifar10_cnn", "babi_rnn")
#: What a contender is called in the tables of the report: month, backend, Keras.
Name = tuple[str, str, str]


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Of each model: the Markdown twin of its report, and its rows."""
    folder, found = tmp_path_factory.mktemp("eras"), {}
    shutil.unpack_archive(ERAS, folder)
    for run in sorted(folder.glob("2*")):
        to = folder / f"report-{run.name}"
        rows = json.loads(orchestrate("report", run, "--to", to, "--json"))["results"]
        (model,) = {row["workload"] for row in rows}
        found[model] = (to / "report.md").read_text(encoding="utf-8"), rows
    assert sorted(found) == sorted(MODELS)
    return found


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


def over_the_years(reported: Any) -> Iterator[str]:
    """The table of the docs: a row for each contender, times as fast as TensorFlow 1.3 on each model."""
    by_model = [{tuple(row[:3]): row[3] for row in tables(reported[m][0], "Keras by year")} for m in MODELS]
    assert {len(rows) for rows in by_model} == {21}
    for name in by_model[0]:
        yield f"| {' | '.join([*name, *(rows[name] for rows in by_model)])} |"


def seconds(reported: Any) -> Iterator[str]:
    """The other table of the docs: the median of the repeats, of each model."""
    known: dict[tuple[str, str], dict[str, list[float]]] = {}
    for model, (_, rows) in reported.items():
        for row in rows:
            known.setdefault((row["stack"], row["backend"]), {}).setdefault(model, []).append(row["epoch_s"])
    for (stack, backend), by_model in sorted(known.items()):
        assert [len(by_model[model]) for model in MODELS] == [5, 5, 5], (stack, backend)
        yield f"| `{stack}` | {backend} | {' | '.join(f'{statistics.median(by_model[m]):#.3g}' for m in MODELS)} |"


def test_every_job_was_ok_and_undisturbed(reported: Any) -> None:
    for _, rows in reported.values():
        assert len(rows) == 21 * 5
        assert {(row["status"], bool(row["disturbed"])) for row in rows} == {("ok", False)}


def test_the_table_over_the_years_is_that_of_the_reports(reported: Any, docs: str) -> None:
    assert [line for line in over_the_years(reported) if line not in docs] == []


def test_the_seconds_of_the_docs_are_the_medians_of_the_records(reported: Any, docs: str) -> None:
    lines = list(seconds(reported))
    assert len(lines) == 21
    assert [line for line in lines if line not in docs] == []


def steps(page: str) -> dict[tuple[str, str], str]:
    """Each pair of the section on upgrades, by backend and version, and what is said of it."""
    rows = tables(page, "What does an upgrade cost or gain?")
    return {(row[0].partition(" Keras ")[0], row[1].partition(" Keras ")[0]): row[2] for row in rows}


@pytest.mark.parametrize(
    ("model", "before", "after", "said"),
    [
        ("mnist_mlp", "TensorFlow 1.3.0", "TensorFlow 2.21.0", "2.02–3.24 faster"),
        ("cifar10_cnn", "TensorFlow 1.3.0", "TensorFlow 2.21.0", "3.56–5.15 faster"),
        ("babi_rnn", "TensorFlow 1.3.0", "TensorFlow 2.21.0", "2.72–4.22 faster"),
        ("mnist_mlp", "TensorFlow 1.3.0", "TensorFlow 1.15.0", "2.05–2.98 faster"),
        ("cifar10_cnn", "TensorFlow 1.3.0", "TensorFlow 1.15.0", "1.82–2.65 faster"),
        ("babi_rnn", "TensorFlow 1.3.0", "TensorFlow 1.15.0", "1.41–3.06 faster"),
        ("cifar10_cnn", "TensorFlow 2.8.4", "TensorFlow 2.11.1", "1.42–2.20 faster"),
        ("cifar10_cnn", "JAX 0.4.23", "JAX 0.10.2", "0.698–0.970 slower"),
        ("babi_rnn", "CNTK 2.5.1", "CNTK 2.7", "1.10–1.72 faster"),
        ("babi_rnn", "PyTorch 2.13.0+cpu", "PyTorch 2.13.0+cpu", "0.352–0.773 slower"),
        ("mnist_mlp", "PyTorch 2.13.0+cpu", "PyTorch 2.13.0+cpu", "1.01–1.34 faster"),
    ],
)
def test_the_claims_of_the_docs_are_verdicts_of_the_reports(
    reported: Any, model: str, before: str, after: str, said: str
) -> None:
    assert steps(reported[model][0])[before, after].endswith(said)


def test_no_other_step_of_tensorflow_shows_a_difference(reported: Any) -> None:
    told = {("TensorFlow 1.3.0", "TensorFlow 1.15.0"), ("TensorFlow 1.3.0", "TensorFlow 2.21.0")}
    for model in MODELS:
        mine = told | ({("TensorFlow 2.8.4", "TensorFlow 2.11.1")} if model == "cifar10_cnn" else set())
        others = {pair: said for pair, said in steps(reported[model][0]).items() if pair[0].startswith("TensorFlow")}
        assert {pair for pair, said in others.items() if "no difference seen" not in said} == mine, model


@pytest.mark.parametrize(("model", "times"), list(zip(MODELS, ("0.92", "0.99", "0.92"), strict=True)))
def test_keras_3_costs_nothing_that_was_seen_on_one_tensorflow(reported: Any, model: str, times: str) -> None:
    claim = (
        f"- On TensorFlow 2.21.0, Keras 3.15.1 trains {times} times as fast as tf\\_keras 2.21.0 (no difference seen)."
    )
    assert claim in reported[model][0]
