"""The matrices of speeds, accuracy, times, and what host and GPU did."""

from __future__ import annotations

import re

from orchestrator.report.layout import lay_out
from orchestrator.report.sections.tables import MEASURES, build, matrices
from orchestrator.report.tasks import About
from orchestrator.report.view import make_view
from tests.fakes.made_up import own, recorded
from tests.make import row
from tests.unit.report.makers import contender, figures, one_epoch, ranked, two, view_of


def tables(rows, steady=lambda row: []):
    return {matrix.name: matrix for matrix in matrices(*ranked(rows, steady))}


def speed_cells(rows):
    """By backend."""
    layout, _ = ranked(rows)
    (line,) = tables(rows, one_epoch)["speed"].cells
    return dict(zip([contender.backend for contender in layout.contenders], line, strict=True))


def test_a_speed_has_its_verdict_with_interval_and_p_its_throughput_and_what_was_measured():
    rows = two([1.0, 1.02, 0.98, 1.01], [1.5, 1.52, 1.48, 1.51], about=About("M", unit="images"), samples_per_s=228.0)
    cells = speed_cells(rows)
    assert (cells["tensorflow"].figure, cells["tensorflow"].best) == ("1.00 s", True)
    assert cells["tensorflow"].lines[0] == "fastest"
    verdict, p, rate, n = cells["jax"].lines
    assert verdict.startswith("takes 1.4") and (p, n) == ("p < 0.001", "4 runs of 1 epoch")
    assert rate == "228 images/s"


def test_interval_and_verdict_never_contradict_each_other():
    """Among many comparisons an interval that excluded 1 stood beside a verdict of no difference."""
    pairs = [two([1.0, 1.02, 0.98], [1.04, 1.06, 1.03]) for _ in range(40)]
    rows = [{**one, "workload": f"w{n}"} for n, pair in enumerate(pairs) for one in pair]
    for line in tables(rows, one_epoch)["speed"].cells:
        (cell,) = [cell for cell in line if not cell.best]
        low, high = map(float, re.search(r"95 %: ([\d.]+) to ([\d.]+) times", cell.lines[1]).groups())
        assert cell.lines[0] == "not certain: 3 repeats are too few" and low < 1 < high


def test_means_are_told_where_their_interval_leaves_the_ratio_of_the_medians_out():
    near = speed_cells(two([1.0] * 5, [2.0, 2.0, 2.0, 2.3, 2.3]))["jax"]
    assert near.figure == "2.00 s" and not any("means" in line for line in near.lines)
    apart = speed_cells(two([1.0] * 15, [*[1.001] * 8, *[1.3] * 7]))["jax"]
    assert apart.lines[1] == "means 1.13×"


def test_a_model_that_did_not_learn_has_no_verdict():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for one in rows[2:]:
        one["val_accuracy"] = 0.1
    rows += [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in contender("theano", 3.0, 3.0)]
    cells = speed_cells(rows)
    assert cells["jax"].lines[0] == "did not learn: 10.0 % accuracy, 90.0 % counts"
    assert not any("p " in line for line in cells["jax"].lines) and cells["tensorflow"].best


def test_one_repeat_is_told_to_be_no_verdict():
    assert speed_cells(two([1.0], [1.5]))["jax"].lines[0] == "not certain: one repeat"


def test_accuracy_has_an_interval_from_three_repeats_on():
    rows = [row(repeat=i, val_accuracy=value) for i, value in enumerate([0.95, 0.96, 0.97])]
    [[cell]] = tables(rows)["accuracy"].cells
    assert (cell.figure, cell.lines[0]) == ("96.0 %", "93.5 % to 98.5 % (95 %)")  # 4.303 × 0.01 / √3
    assert "of 1,024 samples" in cell.lines
    [[cell]] = tables(rows[:2])["accuracy"].cells
    assert cell.lines[0] == "(0.950–0.960, n = 2)"


def test_an_accuracy_below_learning_says_so():
    [[cell]] = tables([row(val_accuracy=0.1, learned=0.9)])["accuracy"].cells
    assert "did not learn: 90.0 % counts" in cell.lines


def test_time_to_accuracy_counts_the_repeats_that_got_there():
    rows = [row(learned=0.8, reached_s=value, repeat=i) for i, value in enumerate([2.0, None, 3.0])]
    [[cell]] = tables(rows)["learning"].cells
    assert cell.figure == "2.50 s" and cell.lines[-2:] == ["to 80.0 %", "2 of 3 got there"]
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
    assert [line[1 - jax] for line in found] == ["80.0 %", "90.0 %"]


def test_each_matrix_is_a_section():
    sections = build(view_of(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, device="gpu").rows))
    assert [section.name for section in sections] == ["speed", "accuracy", "setup", "article", "host", "GPU"]
    assert all(len(section.blocks) == 1 and section.title for section in sections)


def test_large_matrices_are_left_to_the_page():
    small, large = (build(view_of([row(threads=n, job_id=f"j{n}") for n in range(1, most)])) for most in (9, 62))
    assert {section.blocks[0].only for section in small} == {None}
    assert {section.blocks[0].only for section in large} == {"html"}


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


def test_unequal_contenders_have_no_verdict_in_the_table_of_speeds():
    both = own(torch={"parameters": 5})
    both.rows.extend(recorded(workloads=["mnist_mlp"]).rows)
    speeds = next(matrix for matrix in shown(both) if matrix.name == "speed")
    mine = speeds.cells[[task.label for task in lay_out(both.rows).tasks].index("my.py")]
    assert {(cell.best, cell.lines[0]) for cell in mine if cell} == {(False, "not the same model")}


def shown(report):
    view = make_view(report)
    return list(matrices(view.layout, view.speeds))


def test_waiting_for_data_is_shown_where_it_is_known():
    shares = (0.1, 0.3, None, None)
    rows = [{**r, "input_wait_share": s} for r, s in zip(two([1.0] * 2, [2.0] * 2), shares, strict=True)]
    cells = [cell for line in tables(rows)["input"].cells for cell in line]
    assert sorted((cell.figure, *cell.lines) for cell in cells) == [("20.0 %", "10.0 % to 30.0 %", "n = 2"), ("–",)]
    assert "input" not in tables(two([1.0] * 2, [2.0] * 2))
