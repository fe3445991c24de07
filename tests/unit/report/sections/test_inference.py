"""The report of a run that does not train: its own words everywhere, and nothing of epochs or of the article."""

from __future__ import annotations

import json

import pytest

from orchestrator.report.answer.conclusion import conclude
from orchestrator.report.build import build_report
from orchestrator.report.standings import standings
from orchestrator.report.view import make_view
from tests.fakes.made_up import called


def section(report):
    text = build_report(report).markdown
    return text.partition("<summary>Inference</summary>")[2].partition("</details>")[0]


def test_the_first_screen_answers_in_words_of_its_own():
    found = conclude(make_view(called()))
    assert found.sentences[0].startswith("JAX 0.10.0 answers first overall: first on all 2 models; TensorFlow 2.21.0")
    text = build_report(called()).markdown
    assert "batch 1 and 128" in text
    for strange in ("epoch", "train", "article", "learn"):
        assert strange not in text.replace("without training", "").replace("Nothing is trained", "").replace(
            "as those of training are", ""
        ), strange


def test_of_one_model_the_figure_is_in_the_sentence():
    report = called()
    report.rows[:] = [row for row in report.rows if row["workload"] == "mnist_mlp"]
    assert conclude(make_view(report)).sentences[0].startswith("JAX 0.10.0 answers first on mnist_mlp: 0.02")
    report = called("generate")
    report.rows[:] = [row for row in report.rows if row["workload"] == "mnist_mlp"]
    assert conclude(make_view(report)).sentences[0].startswith("JAX 0.10.0 makes tokens fastest on mnist_mlp: 0.02")


def test_each_question_has_its_table_with_verdicts():
    text = section(called())
    for title in ("One sample", "The slowest twentieth", "In batches", "The first answer"):
        assert f"**{title}**" in text
    assert "takes 2.7 to 2.9 times as long" in text
    assert "samples/s" in text
    assert "99th: 0.0" in text
    assert "All contenders gave the same outputs" in text
    assert "| mnist\\_mlp | JAX 0.10.0 | predict\\_on\\_batch | 128 |" in text


def test_tokens_have_no_batches():
    text = section(called("generate"))
    assert "tokens/s" in text
    assert "In batches" not in text


def test_other_outputs_take_every_verdict_of_their_model():
    report = called()
    other = json.dumps([{"way": "predict_on_batch", "shape": [[8, 2]], "norm": 3.0, "values": [0.7, 0.1]}])
    for row in report.rows:
        if row["backend"] == "torch" and row["workload"] == "mnist_mlp":
            row["outputs"] = other
    groups = {group.subject: group for group in standings(make_view(report))}
    assert {cell.verdict for cell in groups["mnist_mlp"].cells} == {"not the same outputs"}
    assert any(cell.fastest for cell in groups["mnist_cnn"].cells)
    assert "not the same outputs (predict\\_on\\_batch: norm " in section(report)


@pytest.mark.parametrize("text", ["no JSON", "[3]", None])
def test_calls_that_cannot_be_read_leave_out_their_lines_only(text):
    assert "**One sample**" in section(called(calls=text))


def test_texts_of_strangers_are_inert():
    page = build_report(called(latency_way="<script>alert(1)</script>")).html
    assert "<script>alert" not in page
