"""A recorded run of files of one's own on the backends of today: a script with two trainings, one that makes another
model on PyTorch, one that stops early on JAX and fails on TensorFlow, and a module; only their records are at hand.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.replay.record import OWN


def orchestrate(*argv, status=0):
    answer = subprocess.run(
        [sys.executable, "-m", "orchestrator", *map(str, argv)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert answer.returncode == status, answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    shutil.unpack_archive(OWN, folder)
    (found,) = folder.glob("2*")
    return found


@pytest.fixture(scope="module")
def reported(run):
    """(folder of the report, its JSON document): two of the 24 jobs failed."""
    to = run.parent / "again"
    return to, json.loads(orchestrate("report", run, "--to", to, "--json"))


@pytest.fixture(scope="module")
def merged(run):
    """A merged set of the run, and its report: the plan and its files are not at hand there."""
    to = run.parent / "set"
    orchestrate("merge", run, "--to", to)
    return to, json.loads(orchestrate("report", to, "--json"))


def cells(document, task):
    return {cell["contender"].split()[0]: cell for cell in document["cells"] if cell["task"] == task}


def test_each_file_is_one_row_of_three_contenders(reported, merged):
    for _, document in (reported, merged):
        tasks = [cell["task"] for cell in document["cells"]]
        assert {task: tasks.count(task) for task in tasks} == {
            "my.py": 3, "other_model.py": 3, "pieces.py": 3, "stops.py": 3,
        }  # fmt: skip


def test_equal_contenders_are_ranked_the_same_from_the_run_and_from_a_set(reported, merged):
    ranked = [
        [(cell["contender"], cell["seconds"], cell["verdict"]) for cell in d["cells"]] for _, d in (reported, merged)
    ]
    assert ranked[0] == ranked[1]
    assert [cell["fastest"] for cell in cells(reported[1], "my.py").values()] == [True, False, False]
    assert cells(reported[1], "stops.py")["TensorFlow"]["statuses"] == {"failed": 2}


def test_the_recorded_script_that_is_another_model_has_no_verdict_anywhere(run, reported, merged):
    words = "not the same model (parameters: 101,770 ("
    for folder, document in (reported, merged):
        its = cells(document, "other_model.py").values()
        assert {(cell["fastest"], cell["ratio"], cell["p"], cell["verdict"]) for cell in its} == {
            (False, None, None, "not the same model")
        }
        assert all(cell["unlike"].startswith(words) and "50,890 (PyTorch" in cell["unlike"] for cell in its)
        text = (folder / "report.md").read_text().replace("\\_", "_")
        assert f"On **other_model.py**, there is no verdict: {words}" in text
    ratios = json.loads(orchestrate("compare", run, merged[0], "--json", "--threshold", "5%", status=1))
    assert ratios["passed"] is False
    found = {ratio["cell"]["workload"]: ratio for ratio in ratios["ratios"] if ratio["cell"]["backend"] == "jax"}
    assert found["other_model"]["why_not"].startswith(words)
    assert found["my"]["ratio"] == 1


def test_the_module_started_from_equal_weights_and_its_accuracy_is_judged(reported):
    rows = [row for row in reported[1]["results"] if row["workload"] == "pieces"]
    assert {row["learned"] for row in rows} == {0.9}
    outputs = {}
    for row in rows:
        outputs.setdefault(row["seed"], []).append(row["first_output_mean"])
    assert [len(means) for means in outputs.values()] == [3, 3]
    assert all(max(means) - min(means) < 1e-3 * abs(max(means)) for means in outputs.values())
    assert {cell["unlike"] for cell in cells(reported[1], "pieces.py").values()} == {""}


def test_the_page_speaks_of_the_files_and_of_no_article(reported, merged):
    for folder, _ in (reported, merged):
        page = (folder / "report.html").read_text().partition("<main>")[2].partition("<script")[0]
        for text in (page, (folder / "report.md").read_text().replace("\\_", "_")):
            for word in ("my.py", "stops.py", "Further trainings in the same script", "other values in each job"):
                assert word in text
            for word in ("the article", "2017", "mnist", "colgroup"):
                assert word not in text


def test_further_trainings_and_settings_are_there_for_programs(reported, merged):
    for _, document in (reported, merged):
        rows = [row for row in document["results"] if row["workload"] == "my"]
        assert [[(fit["fit"], fit["epochs"], fit["parameters"]) for fit in row["fits"]] for row in rows] == [
            [(2, 3, 7850)]
        ] * 6
        assert {row["settings"]["optimizer"]["class_name"] for row in rows} == {"Adam"}
        assert {row["arrays"]["x"]["dtype"] for row in rows} == {"float32"}


def test_a_query_reads_what_the_files_did(merged):
    answer = orchestrate(
        "query",
        "select file, count(distinct parameters), count(fits) from results group by file order by file",
        merged[0],
    )
    assert [line.split("\t") for line in answer.splitlines()[1:]] == [
        ["my.py", "1", "6"], ["other_model.py", "2", "0"], ["pieces.py", "1", "0"], ["stops.py", "1", "0"],
    ]  # fmt: skip
