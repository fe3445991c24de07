from __future__ import annotations

import re

from orchestrator.report.answer.ranking import fields
from orchestrator.report.answer.table import table, verdict
from orchestrator.report.build import build_report
from orchestrator.report.standings import standings
from orchestrator.report.view import make_view
from tests.fakes.made_up import own, recorded
from tests.make import row
from tests.unit.report.makers import contender, draw_nothing, ranked, two, view_of


def test_the_table_says_its_figures_in_attributes(monkeypatch):
    """The contract with the page's script."""
    draw_nothing(monkeypatch)
    html = build_report(recorded()).html
    assert '<div id="controls" hidden></div>' in html
    assert len(re.findall(r'<table id="answer"', html)) == 1
    names = 'data-contender="jax-0.10.0" data-backend="jax" data-year="2026"'
    assert re.findall(rf'<tr {names} data-overall="[\d.]+">', html)
    cell = re.search(r'<td data-task="mnist_cnn"([^>]*)><b>[^<]+</b><small>[^<]*</small>', html)
    names = ("seconds", "samples", "low", "high", "verdict")
    assert [name for name in names if f" data-{name}=" in cell[1]] == list(names)
    assert '<th scope="col" data-column="overall">' in html


def test_too_few_repeats_to_tell_is_not_no_difference():
    def verdicts(*times):
        speeds = ranked(two(*times))[1].values()
        return [verdict(speed) for speed in sorted(speeds, key=lambda speed: not speed.best)]

    assert verdicts([1.0], [2.0]) == ["best", "unsure"]
    assert verdicts([1.0, 1.3], [1.1, 1.5]) == ["best", "unsure"]
    close = [1.0, 1.1, 1.2, 1.1, 1.0], [1.05, 1.1, 1.2, 1.15, 1.0]
    assert verdicts(*close) == ["best", "tied"]
    assert verdicts([1.0, 1.01, 1.0, 1.02, 1.0], [2.0, 2.01, 2.0, 2.0, 2.02]) == ["best", "slower"]


def table_of(rows, **changes):
    view = view_of(rows, **changes)
    (field,) = fields(view.layout, view.speeds)
    return table(view, field, "answer")


def cells_of(rows):
    """By backend."""
    return {line.contender.backend: line.cells[0] for line in table_of(rows).lines}


def test_a_cell_has_the_ratio_large_and_the_seconds_small():
    cells = cells_of(two([1.0], [1.5]))
    assert (cells["tensorflow"].large, cells["tensorflow"].small) == ("1.00×", "1.00 s")
    assert (cells["jax"].large, cells["jax"].small, cells["jax"].doubt) == ("1.50×", "1.50 s", "")


def test_of_several_repeats_a_cell_says_what_is_not_certain():
    assert cells_of(two([1.0, 1.3], [1.1, 1.5]))["jax"].doubt == "not certain"
    close = cells_of(two([1.0, 1.1, 1.2, 1.1, 1.0], [1.05, 1.1, 1.2, 1.15, 1.0]))
    assert {cell.doubt for cell in close.values()} == {"", "not told apart"}


def test_failures_and_models_that_did_not_learn_are_seen_in_their_cell():
    learned = {"learned": 0.9, "val_accuracy": 0.95}
    rows = contender("jax", 1.0, **learned) + contender("cntk", 3.0, **learned)
    rows += [*contender("torch", 0.5, learned=0.9, val_accuracy=0.1), row(backend="theano", status="oom", epoch_s=None)]
    rows += [row(backend="jax", repeat=7, status="timeout", epoch_s=None)]
    cells = cells_of(rows)
    assert (cells["torch"].unlearned, cells["torch"].verdict) == (True, "none")
    assert (cells["torch"].large, cells["torch"].small) == ("0.500 s", "did not learn: 10.0 % accuracy, 90.0 % counts")
    assert (cells["theano"].large, [mark.text for mark in cells["theano"].marks]) == ("–", ["oom"])
    assert [mark.text for mark in cells["jax"].marks] == ["timeout ×1"]
    assert cells["theano"].marks[0].href == "#failures"


def test_one_epoch_is_no_speed_and_what_was_not_planned_is_no_failure():
    rows = [*contender("jax", 1.0), row(backend="cntk", epoch_s=None), row(backend="cntk", workload="other")]
    lines = {line.contender.backend: [(cell.large, cell.small) for cell in line.cells] for line in table_of(rows).lines}
    assert lines["cntk"][0] == ("–", "one epoch only")
    assert lines["jax"][1] == ("·", "not planned")


def test_contenders_that_did_other_things_have_seconds_and_no_ratio():
    view = make_view(own(torch={"parameters": 5}))
    (field,) = fields(view.layout, view.speeds)
    found = table(view, field, "answer")
    assert {line.cells[0].small for line in found.lines} == {"not the same model"}
    assert {line.cells[0].verdict for line in found.lines} == {"none"} and found.axis is None


def test_the_winner_is_the_same_wherever_it_is_named():
    """First screen, terminal and JSON: of a model they name one fastest, and the first of one model leads overall."""
    for seed in range(12):
        report = recorded(workloads=["mnist_mlp", "babi_rnn"], stacks=4, repeats=2, seed=seed)
        view = make_view(report)
        (field,) = fields(view.layout, view.speeds)
        found = table(view, field, "answer")
        first = {group.subject: group.cells[0].contender for group in standings(view)}
        best = {
            task.label: [line.contender.label for line in found.lines if line.cells[i].verdict == "best"]
            for i, task in enumerate(found.tasks)
        }
        assert best == {task: [name] for task, name in first.items()}
        ratios = [line.overall for line in found.lines]
        assert ratios == sorted(ratios)
