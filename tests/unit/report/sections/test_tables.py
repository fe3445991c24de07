"""The matrices of verdicts, accuracy, times, and what host and GPU did."""

from __future__ import annotations

from orchestrator.report.layout import lay_out
from orchestrator.report.sections.tables import MEASURES, build, matrices
from orchestrator.report.view import make_view
from tests.fakes.made_up import own, recorded
from tests.make import row
from tests.unit.report.makers import contender, figures, one_epoch, ranked, two, view_of


def tables(rows, steady=lambda row: []):
    return {matrix.name: matrix for matrix in matrices(*ranked(rows, steady))}


def test_a_verdict_has_an_interval_and_p():
    rows = two([1.0, 1.02, 0.98, 1.01], [1.5, 1.52, 1.48, 1.51])
    layout, _ = ranked(rows)
    by_backend = dict(
        zip([c.backend for c in layout.contenders], tables(rows, one_epoch)["verdicts"].cells[0], strict=True)
    )
    assert (by_backend["tensorflow"].figure, by_backend["tensorflow"].best) == ("fastest", True)
    assert by_backend["jax"].figure == "1.50×" and by_backend["jax"].lines[-1] == "p < 0.001"


def test_interval_and_verdict_never_contradict_each_other():
    """Among many comparisons an interval that excludes 1 is no verdict yet, and says so."""
    pairs = [two([1.0, 1.02, 0.98], [1.04, 1.06, 1.03]) for _ in range(40)]
    rows = [{**one, "workload": f"w{n}"} for n, pair in enumerate(pairs) for one in pair]
    for line in tables(rows, one_epoch)["verdicts"].cells:
        (cell,) = [cell for cell in line if not cell.best]
        assert cell.lines[0].startswith("alone 1.0")
        assert cell.lines[1] == "no significant difference among 40 comparisons"


def test_there_is_one_ratio_of_two_contenders():
    """Of the medians, as the seconds beside it are; that of the means only where its interval leaves the other out."""
    rows = two([1.0] * 5, [2.0, 2.0, 2.0, 2.3, 2.3])
    verdicts, speeds = tables(rows, one_epoch)["verdicts"].cells[0], ranked(rows, one_epoch)[1]
    assert {cell.figure for cell in verdicts} == {"fastest", "2.00×"}
    assert max(speed.ratio for speed in speeds.values()) == 2.0
    apart = tables(two([1.0] * 15, [*[1.001] * 8, *[1.3] * 7]), one_epoch)["verdicts"].cells[0]
    (cell,) = [cell for cell in apart if not cell.best]
    assert cell.figure == "1.00×" and cell.lines[0] == "means 1.13×"


def test_a_model_that_did_not_learn_has_no_ratio_in_the_verdicts():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for one in rows[2:]:
        one["val_accuracy"] = 0.1
    rows += [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in contender("theano", 3.0, 3.0)]
    assert sorted(cell.figure for cell in tables(rows, one_epoch)["verdicts"].cells[0]) == ["3.00×", "fastest", "–"]


def test_one_repeat_gives_no_verdicts():
    assert "verdicts" not in tables(two([1.0], [1.5]), one_epoch)


def test_accuracy_has_an_interval_from_three_repeats_on():
    rows = [row(repeat=i, val_accuracy=value) for i, value in enumerate([0.95, 0.96, 0.97])]
    [[cell]] = tables(rows)["accuracy"].cells
    assert (cell.figure, cell.lines[0]) == ("0.960", "0.935–0.985 (95 %, n = 3)")  # 4.303 × 0.01 / √3
    [[cell]] = tables(rows[:2])["accuracy"].cells
    assert cell.lines[0] == "(0.950–0.960, n = 2)"


def test_an_accuracy_below_learning_says_so():
    [[cell]] = tables([row(val_accuracy=0.1, learned=0.9)])["accuracy"].cells
    assert "did not learn: less than 0.900" in cell.lines


def test_time_to_accuracy_counts_the_repeats_that_got_there():
    rows = [row(learned=0.8, reached_s=value, repeat=i) for i, value in enumerate([2.0, None, 3.0])]
    [[cell]] = tables(rows)["learning"].cells
    assert cell.figure == "2.50 s" and cell.lines[-2:] == ["to 0.800", "2 of 3 got there"]
    [[cell]] = tables(rows[1:2])["learning"].cells
    assert cell.figure == "never"
    assert "learning" not in tables([row()])


def test_the_host_and_the_time_before_the_first_steady_epoch():
    found = tables([row(cpu_util_mean=187.2, rss_peak_mb=640.0, setup_s=3.0, first_epoch_s=2.0, cache="warm")])
    [[host]], [[setup]] = found["host"].cells, found["setup"].cells
    assert (host.figure, host.lines) == ("187 %", ["peak 640 MiB"])
    assert (setup.figure, setup.lines) == ("3.00 s", ["first epoch 2.00 s", "cache warm"])


def test_figures_that_no_job_has_are_not_shown():
    assert "GPU" not in tables(recorded(workloads=["mnist_mlp"], repeats=1).rows)
    found = tables(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, device="gpu").rows)
    assert found["GPU"].cells[0][0].figure == "66 %" and "power 92.0 W" in found["GPU"].cells[0][0].lines


def test_a_failed_cell_is_a_dash_and_one_that_was_not_planned_is_empty():
    rows = [row(val_accuracy=0.9), row(backend="jax", status="failed"), row(workload="mnist_cnn", val_accuracy=0.8)]
    layout, _ = ranked(rows)
    jax = [contender.backend for contender in layout.contenders].index("jax")
    assert [task.workload for task in layout.tasks] == ["mnist_cnn", "mnist_mlp"]
    found = figures(tables(rows)["accuracy"])
    assert [line[jax] for line in found] == [None, "–"]
    assert [line[1 - jax] for line in found] == ["0.800", "0.900"]


def test_each_matrix_is_a_section_that_leads_the_menu():
    sections = build(view_of(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, device="gpu").rows))
    assert [section.label for section in sections] == ["Accuracy", "Setup", "Article", "Host", "GPU"]
    assert all(section.leads and section.fold == section.title for section in sections)


BUILD = {measure.name: measure.cell for measure in MEASURES}
GPU = {
    "gpu_util_mean": 66.4,
    "gpu_util_p50": 70.0,
    "gpu_util_p95": 97.0,
    "gpu_samples_n": 120,
    "gpu_mem_peak_mb": 10800.0,
    "gpu_power_mean_w": 92.04,
    "energy_j": 4100.0,
    "energy_source": "counter",
    "sm_clock_mean": 1410.4,
    "gpu_temp_max_c": 61.0,
    "throttle_reasons": "",
    "gpu_shared": False,
}


def gpu(*changes):
    return BUILD["GPU"]([{**GPU, **change} for change in changes])


def test_the_gpu_table_has_every_labelled_metric_in_its_unit():
    cell = gpu({})
    assert cell.figure == "66 %"
    assert cell.lines == [
        "median 70 %", "95th 97 %", "memory peak 10.5 GiB", "power 92.0 W", "energy 4,100 J", "clock 1410 MHz",
        "n = 120 readings",
    ]  # fmt: skip


def test_what_was_not_read_is_left_out():
    cell = gpu(dict.fromkeys(GPU))
    assert (cell.figure, cell.lines) == ("–", [])


def test_energy_that_was_worked_out_from_power_says_so():
    assert "energy 4,100 J" in gpu({}, {"energy_source": None}).lines
    assert "energy, from power: 4,100 J" in gpu({}, {"energy_source": "integrated"}).lines


def test_throttling_and_strangers_stand_last():
    cell = gpu({"throttle_reasons": "hw_slowdown"}, {"throttle_reasons": "hw_slowdown", "gpu_shared": True}, {})
    assert cell.lines[-3:] == ["n = 120 readings", "throttled: hw_slowdown", "shared with other processes"]


def test_the_host_table_has_its_figures():
    cell = BUILD["host"]([{"cpu_util_mean": 187.2, "rss_peak_mb": 640.0}])
    assert (cell.figure, cell.lines) == ("187 %", ["peak 640 MiB"])


def test_the_tables_of_ones_own_file_count_nothing_as_the_article_did():
    names = {matrix.name for matrix in shown(own())}
    assert "article" not in names
    assert "learning" not in names
    assert "article" in {matrix.name for matrix in shown(recorded())}
    both = own()
    both.rows.extend(recorded(workloads=["mnist_mlp"]).rows)
    (article,) = [matrix for matrix in shown(both) if matrix.name == "article"]
    by_task = dict(zip([task.label for task in lay_out(both.rows).tasks], article.cells, strict=True))
    assert {cell.figure for cell in by_task["my.py"] if cell} == {"–"}
    assert "–" not in {cell.figure for cell in by_task["mnist_mlp"] if cell}


def test_unequal_contenders_have_no_verdict_in_the_table_of_verdicts():
    both = own(torch={"parameters": 5})
    both.rows.extend(recorded(workloads=["mnist_mlp"]).rows)
    verdicts = next(matrix for matrix in shown(both) if matrix.name == "verdicts")
    mine = verdicts.cells[[task.label for task in lay_out(both.rows).tasks].index("my.py")]
    assert {(cell.figure, tuple(cell.lines)) for cell in mine if cell} == {("–", ("not the same model",))}


def shown(report):
    view = make_view(report)
    return list(matrices(view.layout, view.speeds))
