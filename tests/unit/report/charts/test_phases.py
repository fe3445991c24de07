"""Where the time of a job goes: all of it, and from which epoch on a slow start pays."""

from __future__ import annotations

import pytest

from orchestrator.report.charts import phases
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_the_parts_of_a_bar_make_the_whole_time_and_each_is_named():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    row = report.rows[0]
    row |= {"start_s": 1, "import_s": 2, "data_s": 1, "build_s": 1, "first_epoch_s": 3, "steady_s": 8}
    row |= {"validated_s": 2, "wall_s": 20}
    bar, key = drawings(phases.build(material_of(report)))
    widths = bar.xs()
    assert len(widths) == 8 and sum(widths) + 8 * 0.6 == pytest.approx(widths[5] / 8 * 20, rel=0.05)
    assert (
        "TensorFlow 1.3.0: steady epochs 8.00 s" in bar.tips()
        and "TensorFlow 1.3.0: exit and all else 2.00 s" in bar.tips()
    )
    assert {"first epoch", "import", "validation"} <= set(key.texts())


@pytest.mark.parametrize(
    ("fast", "slow", "epoch"),
    [
        ((40, 1), (10, 4), 12),  # after epoch 11 both are at 50 - 10 = 40 s more
        ((10.5, 1), (10, 2), 2),
        ((10, 1), (10, 2), None),  # never behind
        ((40, 2), (10, 2), None),  # never ahead
        ((1e9, 1), (1, 1.001), None),
    ],
)
def test_from_which_epoch_on_a_slow_start_pays(fast, slow, epoch):
    assert phases.overtakes(fast, slow) == epoch
    if epoch:
        after = [first + (epoch - 1) * each for first, each in (fast, slow)]
        before = [first + (epoch - 2) * each for first, each in (fast, slow)]
        assert after[0] < after[1] and before[0] >= before[1]


def test_pairs_that_cross_are_told_in_words_and_are_the_finding():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    report.rows[0] |= {"setup_s": 100.0, "first_epoch_s": 10.0, "epoch_s": 1.0, "validation_s": 0.0}
    report.rows[1] |= {"setup_s": 10.0, "first_epoch_s": 10.0, "epoch_s": 10.0, "validation_s": 0.0}
    figure = phases.build(material_of(report))
    assert figure and figure.words == [figure.alt]
    assert figure.alt == (
        "mnist_mlp: TensorFlow 1.3.0 is 90.0 s behind CNTK 2.5.1 after the first epoch, and ahead from epoch 12 on."
    )


def test_rows_that_do_not_know_their_phases_are_no_picture():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for row in report.rows:
        row["wall_s"] = None
    assert phases.build(material_of(report)) is None
