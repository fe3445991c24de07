"""`orchestrate trend`: the table, the forms, the files and the exit codes."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from tests.fakes.nights import night, run_id
from tests.unit.history.test_trend import make


def test_without_runs_it_says_what_makes_one(orchestrate, tmp_path):
    answer = orchestrate("trend")
    assert answer.returncode == 2 and "`orchestrate --config smoke` makes one" in answer.stderr
    (tmp_path / "results").mkdir()
    empty = orchestrate("trend")
    assert empty.returncode == 1 and "FAILED: nothing could be judged" in empty.stdout


def test_a_fresh_step_is_red_only_where_it_is_asked_for(orchestrate, tmp_path):
    make(tmp_path / "results", size=1.08, step_at=30)
    plain = orchestrate("trend")
    assert plain.returncode == 0 and f"from {run_id(30)} (Keras 3.16.0, commit" in plain.stdout
    assert orchestrate("trend", "--threshold", "5%").returncode == 1
    assert orchestrate("trend", "--threshold", "20%").returncode == 0
    assert orchestrate("trend", "--threshold", "5%", "--fresh", "2").returncode == 0
    assert orchestrate("trend", "--threshold", "5").returncode == 2
    document = json.loads(orchestrate("trend", "results", "--threshold", "5%", "--json", "--to", "out").stdout)
    assert document["regressions"] == ["mnist_mlp keras3-today jax cpu"]
    assert json.loads((tmp_path / "out" / "trend.json").read_text()) == document
    assert "<svg" in (tmp_path / "out" / "trend.html").read_text()
    assert "**1 line regressed" in orchestrate("trend", "--threshold", "5%", "--format", "markdown").stdout


def test_few_nights_are_shown_and_a_gate_over_them_is_red(orchestrate, tmp_path):
    for number in range(3):
        night(tmp_path / "results", number, {"jax": [1.0]})
    assert orchestrate("trend").returncode == 0
    red = orchestrate("trend", "--threshold", "5%")
    assert red.returncode == 1 and "FAILED: nothing could be judged" in red.stdout
    assert "one repeat in the newest night, so no interval" in red.stdout


#: What a filter of addresses makes of this within JSON ends the string, and what follows are fields of its own.
FORGED = 'https://host/?token=secret", "passed": true, "x": "'


def test_no_text_of_a_run_becomes_a_part_of_the_document_and_no_file_tells_a_secret(orchestrate, tmp_path):
    for number in range(9):
        night(tmp_path / "results", number, {"jax": [1.0, 1.1]})
    night(tmp_path / "results", 9, {"jax": [None]}, reason=f"boom\n::error::forged {FORGED}")
    gate = ("trend", "--threshold", "5%", "--to", "out")
    document = json.loads(orchestrate(*gate, "--json").stdout)
    assert document["passed"] is False and '", "passed": true' in document["lines"][0]["missing"]
    assert json.loads(orchestrate(*gate, "--format", "github-action-benchmark").stdout) == []
    ElementTree.fromstring(orchestrate(*gate, "--format", "junit").stdout)
    for form in ("text", "markdown", "junit"):
        said = orchestrate(*gate, "--format", form).stdout
        assert "secret" not in said and not any(line.lstrip().startswith("::") for line in said.splitlines())
    assert all("secret" not in path.read_text() for path in (tmp_path / "out").iterdir())
