"""What Keras costs: who is compared with whom, and how sure a figure is."""

from __future__ import annotations

import pytest

from orchestrator.report.answer.conclusion import conclude
from orchestrator.report.answer.keras_cost import costs, summary, told
from tests.unit.report.makers import contender, view_of

TWICE, ONCE = (2.0, 2.1, 2.05, 1.98, 2.02), (1.0, 1.01, 1.02, 0.99, 1.0)


def cell(backend, times, **changes) -> list[dict]:
    """The repeats of one backend of a stack at one model; plain ones have no Keras."""
    keras = None if backend.endswith("-native") else "3.15.1"
    fields = {"stack": "keras3-torch", "framework_version": "2.13.0", "keras_version": keras, "rss_peak_mb": 500.0}
    rows = contender(backend, *times, **{**fields, **changes})
    return [{**row, "first_epoch_s": 3 * row["epoch_s"]} for row in rows]


def both(with_keras, plain, **changes) -> list[dict]:
    return cell("torch", with_keras, **changes) + cell("torch-native", plain, **changes)


def test_a_library_with_keras_is_set_against_itself_without():
    jax = {"stack": "keras3-jax", "framework_version": "0.10.2"}
    view = view_of([*both(TWICE, ONCE), *cell("jax", ONCE, **jax), *cell("jax-native", ONCE, **jax)])
    found = costs(view)
    names = [tuple(view.layout.contenders[column].label for column in pair) for pair in found.pairs]
    assert sorted(names) == [("JAX 0.10.2", "plain JAX 0.10.2"), ("PyTorch 2.13.0", "plain PyTorch 2.13.0")]
    ratios = {view.layout.contenders[pair[0]].backend: cost for (pair, _), cost in found.epochs.items()}
    assert (ratios["torch"].ratio, ratios["torch"].verdict) == (pytest.approx(2.02), "more")
    assert ratios["torch"].found.low > 1.9 and ratios["torch"].found.family == 2
    assert (ratios["jax"].ratio, ratios["jax"].verdict) == (1.0, "no difference seen")


@pytest.mark.parametrize(
    "other", [{"threads": 7}, {"host": "another"}, {"image_digest": "sha256:9"}, {"device": "gpu"}]
)
def test_nothing_is_compared_across_machines_settings_or_images(other):
    view = view_of([*cell("torch", TWICE), *cell("torch-native", ONCE, **other)])
    assert costs(view).pairs == [] and summary(view) == ""


def test_what_keras_saves_is_less():
    (cost,) = costs(view_of(both(ONCE, TWICE))).epochs.values()
    assert cost.verdict == "less" and cost.ratio < 0.51 and cost.found.high < 0.6


def test_one_repeat_is_no_verdict():
    view = view_of(both(TWICE[:1], ONCE[:1]))
    (cost,) = costs(view).epochs.values()
    assert (cost.ratio, cost.verdict) == (2.0, "not enough repeats")
    assert summary(view).endswith("takes 2.00 times as long (not enough repeats) on PyTorch 2.13.0.")


def test_several_models_have_an_overall_figure_and_a_range():
    rows = both(TWICE, ONCE) + both(ONCE, ONCE, workload="cifar10_cnn")
    view = view_of(rows)
    found = costs(view)
    (overall,) = (cost for (_, where), cost in found.epochs.items() if where is None)
    assert (overall.ratio, overall.tasks) == (pytest.approx(2.02**0.5), 2)
    (sentence,) = told(view, found)
    assert (
        sentence.startswith("On PyTorch 2.13.0, an epoch with Keras takes 1.39 to 1.45 times as long as plain")
        and "1.00× to 2.02× by model" in sentence
    )
    assert conclude(view).sentences[-1] == summary(view) != ""


def test_the_first_epoch_and_memory_are_figures_of_their_own():
    rows = both(TWICE, ONCE)
    rows = [{**row, "rss_peak_mb": 900.0 + row["repeat"] if row["keras_version"] else 300.0} for row in rows]
    found = costs(view_of(rows))
    (first,), (memory,) = found.first.values(), found.memory.values()
    assert first.verdict == "more" and memory.ratio == pytest.approx(902 / 300)


def test_a_model_that_did_not_learn_costs_nothing_that_counts():
    rows = [{**row, "learned": 0.9, "val_accuracy": 0.2} for row in cell("torch", TWICE)] + cell("torch-native", ONCE)
    assert costs(view_of(rows)).epochs == {}


def test_times_of_a_disturbed_host_are_marked_and_memory_is_not():
    found = costs(view_of([{**row, "disturbed": "others on its cores"} for row in both(TWICE, ONCE)]))
    assert {cost.disturbed for cost in found.epochs.values()} == {True}
    assert {cost.disturbed for cost in found.memory.values()} == {False}
