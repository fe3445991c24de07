"""The sentences about the speeds, and the matrix of them."""

from __future__ import annotations

import re

from orchestrator.report.sections.findings import build, findings, speed_matrix
from orchestrator.report.view import make_view
from tests.fakes.made_up import own
from tests.make import row
from tests.unit.report.makers import one_epoch, ranked, two, view_of

JAX = {"backend": "jax", "keras_version": "3.15.1", "framework_version": "0.10.0"}


def cells(rows, steady=lambda row: []):
    return speed_matrix(*ranked(rows, steady)).cells


def test_the_fastest_is_marked_and_the_others_say_how_far_behind():
    slow, fast = row(epoch_s=3.0), row(backend="theano", epoch_s=2.0)
    epochs = {"tensorflow": [2.9, 3.0, 3.1], "theano": [1.9, 2.0, 2.2]}
    [[first, second]] = cells([slow, fast], lambda row: epochs[row["backend"]])
    assert (second.figure, second.best, second.lines[1:]) == ("2.00 s", True, ["1.90–2.20", "n = 3"])
    assert (first.figure, first.best) == ("3.00 s", False)
    assert first.lines[0].startswith("1.50×")
    assert (first.bar, second.bar) == (1.0, 2 / 3)


def test_nothing_is_best_across_rows():
    lines = cells([row(), row(backend="theano", epoch_s=2.0, scale="article")])
    assert not any(cell and cell.best for line in lines for cell in line)


def test_ranges_that_meet_are_said():
    rows = [row(epoch_s=2.1), row(backend="theano", epoch_s=2.0)]
    epochs = {"tensorflow": [2.0, 2.2], "theano": [1.9, 2.1]}
    [[first, _]] = cells(rows, lambda row: epochs[row["backend"]])
    assert first.lines[0].startswith("≈ 1.05×")
    [(subject, sentence)] = findings(*ranked(rows, lambda row: epochs[row["backend"]]))
    assert subject == "mnist_mlp"
    assert sentence.endswith("The range of TensorFlow 1.3.0 meets the fastest one's: no clear difference.")


def test_repeats_give_the_median_and_n():
    rows = [row(repeat=i, epoch_s=value) for i, value in enumerate([1.0, 9.0, 2.0])]
    [[cell]] = cells(rows, lambda row: [row["epoch_s"]] * 4)
    assert (cell.figure, cell.lines[-2:]) == ("2.00 s", ["1.00–9.00", "n = 4 × 3"])


def test_a_failed_cell_says_its_status_and_keeps_the_good_repeats():
    [[cell]] = cells([row(status="oom"), row(status="oom"), row(repeat=3)])
    assert (cell.figure, [mark.text for mark in cell.marks]) == ("1.00 s", ["oom ×2"])
    [[cell]] = cells([row(status="oom"), row(repeat=3)])
    assert [mark.text for mark in cell.marks] == ["oom ×1"]
    [[cell]] = cells([row(status="timeout", epoch_s=4.0)])
    assert (cell.figure, [mark.text for mark in cell.marks]) == ("", ["timeout"])


def test_a_cell_with_one_epoch_and_one_that_was_not_planned():
    [[one], [other]] = cells([row(epoch_s=None)]), cells([row()])
    assert (one[0].figure, one[0].lines) == ("–", ["one epoch only"])
    lines = cells([row(), row(backend="jax", workload="mnist_cnn")])
    assert sum(cell is None for line in lines for cell in line) == 2 and other


def test_the_findings_name_the_best_of_the_other_era():
    [(_, sentence)] = findings(*ranked([row(), row(**JAX, epoch_s=0.5)]))
    assert sentence == "JAX 0.10.0 was fastest: 0.500 s per epoch; next TensorFlow 1.3.0 (2.00×)."
    rows = [
        row(), row(**JAX, epoch_s=0.5),
        row(backend="torch", keras_version="3.15.1", framework_version="2.13.0", epoch_s=0.6),
        row(backend="cntk", framework_version="2.5.1", epoch_s=1.5),
    ]  # fmt: skip
    [(_, sentence)] = findings(*ranked(rows))
    assert sentence.endswith(
        "next PyTorch 2.13.0 (1.20×), best of 2017 TensorFlow 1.3.0 (2.00×), slowest CNTK 2.5.1 (3.00×)."
    )


def test_a_host_that_only_some_jobs_know_is_not_a_second_machine():
    rows = [row(), row(backend="cntk", status="unsupported", host=None, epoch_s=None)]
    assert findings(*ranked(rows)) == [("mnist_mlp", "only TensorFlow 1.3.0 gave a speed: 1.00 s per epoch.")]


def test_a_subject_says_which_machine_and_that_the_data_is_synthetic():
    rows = [row(data_kind="synthetic", host=host, job_id=host) for host in "ab"]
    assert [subject for subject, _ in findings(*ranked(rows))] == [
        "mnist_mlp (a) with synthetic data", "mnist_mlp (b) with synthetic data",
    ]  # fmt: skip


def test_repeats_give_a_verdict_instead_of_a_range():
    [(_, sentence)] = findings(*ranked(two([1.0, 1.02, 0.98, 1.01], [1.5, 1.52, 1.48, 1.51]), one_epoch))
    assert re.search(r"next JAX 0\.10 \(1\.50×, slower by 4\d\.\d-5\d\.\d %\)", sentence)


def test_noise_is_no_difference_though_the_medians_differ():
    [(_, sentence)] = findings(*ranked(two([1.0, 1.3, 0.8, 1.1], [1.1, 1.5, 0.9, 1.3]), one_epoch))
    assert sentence.endswith("No significant difference between it and JAX 0.10.")


def test_a_cell_that_did_not_learn_says_so_and_loses():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for one in rows[2:]:
        one["val_accuracy"] = 0.1
    marked = [cell for cell in cells(rows, one_epoch)[0] if cell.unlearned]
    assert len(marked) == 1 and marked[0].lines[0].startswith("did not learn (0.100 < 0.900)")
    [(_, sentence)] = findings(*ranked(rows, one_epoch))
    assert sentence.startswith("TensorFlow 1.3.0 was fastest")


def test_where_nothing_learned_no_speed_counts():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.1} for r in two([1.0, 1.0], [0.5, 0.5])]
    assert findings(*ranked(rows, one_epoch))[0][1] == "no model learned, so no speed counts."


def test_without_any_speed_the_section_says_so():
    (summary, matrix) = build(view_of([row(status="failed", epoch_s=None)])).blocks
    assert summary.texts == ["No job gave a steady speed, so there is nothing to compare."]
    assert matrix.name == "speed"


def test_a_file_whose_contenders_differ_has_no_winner_in_words_or_colours():
    summary, matrix = build(make_view(own(tensorflow={"batches": 7}))).blocks
    (sentence,) = summary.texts
    assert sentence[-1] == (
        ", there is no verdict: not the same data (batches per epoch: 7 (TensorFlow 2.21.0), 64 (JAX 0.10.0, "
        "PyTorch 2.13.0))."
    )
    (cells,) = matrix.cells
    assert not any(cell.best for cell in cells)
    assert {cell.lines[0].split(" · ")[0] for cell in cells} == {"not the same data"}


def settling(times_a, times_b, command="orchestrate my.py --epochs 3 --repeats 3 --out 'a b'"):
    own_row = {"workload": "my", "variant": "own", "file": "my.py"}
    rows = [{**each, **own_row} for each in two(times_a, times_b)]
    (_, *more, _) = build(view_of(rows, plan_command=command)).blocks
    return [text for block in more for text in block.texts]


def test_what_would_settle_an_open_question_is_named_as_a_command():
    [(why, command)] = settling([1.0, 1.1, 0.9], [1.1, 1.25, 1.0])
    (needed,) = re.findall(r"^my.py: about (\d+) repeats would settle it, if spread", why)
    assert command == f"orchestrate my.py --epochs 3 --out 'a b' --repeats {needed}"
    assert 5 < int(needed) < 50


def test_one_repeat_settles_nothing():
    [(why, command)] = settling([1.0], [9.0], command="orchestrate my.py")
    assert why == "my.py: one repeat is no verdict; 5 repeats would give one"
    assert command == "orchestrate my.py --repeats 5"


def test_what_holds_for_several_files_is_said_once():
    files = ({"workload": name, "variant": "own", "file": f"{name}.py"} for name in ("my", "yours"))
    rows = [{**row, **file} for file in files for row in two([1.0], [9.0])]
    ((why, _),) = build(view_of(rows, plan_command="orchestrate my.py yours.py")).blocks[1].texts
    assert why == "my.py and yours.py: one repeat is no verdict; 5 repeats would give one"


def test_what_no_number_of_repeats_tells_apart_is_said():
    [why] = settling([1.0, 1.2, 0.8], [1.001, 1.2, 0.8])
    assert why == "my.py: those without a significant difference are too close for 50 repeats to tell apart"


def test_several_runs_are_one_option_and_no_command():
    [(_, command)] = settling([1.0], [9.0], command="orchestrate my.py && orchestrate my.py --seed 2")
    assert command == "--repeats 5"


def test_a_settled_question_asks_for_nothing_more():
    assert settling([1.0, 1.01, 0.99], [2.0, 2.01, 1.99]) == []
