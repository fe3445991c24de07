"""GPUs over time: which jobs are drawn, on which axis, and how epochs and throttling show."""

from __future__ import annotations

from orchestrator.report.charts import gpu
from orchestrator.report.charts.material import Material
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def made(repeats: int = 1, power: float | None = 100.0, stacks: int = 2, tasks: int = 1) -> Material:
    report = recorded(workloads=["mnist_mlp", "babi_rnn"][:tasks], stacks=stacks, repeats=repeats, device="gpu")
    for seconds, row in enumerate(report.rows, 4):
        job = {"job_id": row["job_id"]}
        reading = {"util": 50.0, "power_w": power, "mem_mb": 9.0}
        report.gpu += [{**job, **reading, "t_s": t / 5, "throttled": t == 3} for t in range(5 * seconds)]
        report.marks += [{**job, "epoch": e, "begin_s": float(e), "end_s": e + 1.0} for e in (1, 2, 3)]
    return material_of(report)


def test_each_job_has_utilization_and_power_with_its_epochs_and_its_throttling():
    (drawn,) = drawings(gpu.build(made()))
    assert (drawn.count("l"), drawn.count("r"), drawn.count("q")) == (4, 2, 4)
    assert drawn.tips("r") == ["slowed down at 0.6 s"] * 2
    assert {"%", "W", "100"} <= set(drawn.texts("s", "e"))


def test_all_panels_have_one_axis_of_time():
    first, second = drawings(gpu.build(made(tasks=2)))
    assert first.texts("s", "c") == second.texts("s", "c")


def test_memory_is_drawn_where_the_card_has_no_power_reading():
    (drawn,) = drawings(gpu.build(made(power=None)))
    assert "MiB" in drawn.texts("s", "e") and "W" not in drawn.texts("s", "e")


def test_of_many_jobs_the_first_repeats_are_drawn_and_this_is_said():
    figure = gpu.build(made(repeats=7))
    (drawn,) = drawings(figure)
    assert drawn.count("l") == 2 * 2
    assert figure and "Of 12 further jobs" in figure.caption


def test_without_readings_there_is_no_picture():
    assert gpu.build(material_of(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1))) is None
