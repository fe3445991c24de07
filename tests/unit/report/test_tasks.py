"""Files of one's own in rows: by what was asked of them, with what they did, and judged as one thing."""

from __future__ import annotations

from orchestrator.report.layout import lay_out
from orchestrator.report.tasks import About
from tests.fakes.made_up import own
from tests.make import row

FAILED = {"status": "failed", "reason": "made up"}
ALL = ("jax", "torch", "tensorflow")


def test_jobs_of_one_file_stand_in_one_row_whatever_it_did_on_each_backend():
    """The batch size, the epochs and the data are known when a job has ended, and not at all when it failed."""
    layout = lay_out(own(jax={"batch_size": 32, "train": 7, "samples": 7, "epochs": 3}, torch=FAILED).rows)
    (task,) = layout.tasks
    assert (task.label, task.file, task.workload) == ("my.py", "my.py", "my")
    assert len(layout.cells) == 3
    assert task.notes == (
        "not the same number of epochs: 5 (TensorFlow 2.21.0), 3 (JAX 0.10.0); seconds per epoch compare all the same",
    )


def test_a_row_of_ones_own_file_says_what_it_did():
    (task,) = lay_out(own().rows).tasks
    assert task.amounts.replace("\u00a0", " ") == "4,096 samples, 5 epochs, batch 64"
    (bounded,) = lay_out(own(**{key: {"asked_steps": 3, "samples": 192} for key in ALL}).rows).tasks
    assert bounded.amounts.replace("\u00a0", " ") == "192 samples, 5 epochs of 3 steps, batch 64"


def test_jobs_that_all_failed_have_their_row():
    (task,) = lay_out(own(**dict.fromkeys(ALL, FAILED)).rows).tasks
    assert (task.label, task.unlike, task.notes) == ("my.py", None, ())


def test_what_was_asked_for_otherwise_is_another_row():
    rows = own().rows + [{**one, "run_id": "b", "asked_epochs": None} for one in own().rows]
    assert [task.label for task in lay_out(rows).tasks] == ["my.py · 5 epochs", "my.py · all epochs"]
    other = [{**one, "run_id": "b", "workloads_sha256": "ff" * 32} for one in own().rows]
    assert len(lay_out(own().rows + other).tasks) == 2


def test_other_arguments_are_another_row_that_names_them():
    rows = own().rows + [{**one, "run_id": "b", "asked_arguments": "--lr 0.1"} for one in own().rows]
    rows += [{**one, "run_id": "c", "asked_arguments": "--lr 0.2"} for one in own().rows]
    layout = lay_out(rows)
    assert [task.label for task in layout.tasks] == ["my.py · --lr 0.1", "my.py · --lr 0.2", "my.py · no arguments"]
    assert all(len({row["run_id"] for row in cell}) == 1 for cell in layout.cells.values())
    (alone,) = lay_out([row for row in rows if row["run_id"] == "b"]).tasks
    assert alone.label == "my.py" and alone.amounts.replace("\u00a0", " ").endswith("batch 64, --lr 0.1")


def test_two_files_of_one_name_are_told_apart():
    rows = own().rows + [{**one, "workload": "my-2"} for one in own().rows]
    assert [task.label for task in lay_out(rows).tasks] == ["my.py (my)", "my.py (my-2)"]


def test_the_catalog_gives_a_task_its_title_its_place_and_how_much_of_the_data_it_is():
    def about(title, place):
        return About(title, "CNN", "images", place, 50_000)

    rows = [
        row(workload="a", about=about("Second", 1), train=1024),
        row(workload="a", about=about("Second", 1), train=896),
        row(workload="b", about=about("First", 0), train=50_000, scale="article"),
    ]
    tasks = lay_out(rows).tasks
    assert [task.label for task in tasks] == ["First", "Second · 896 samples", "Second · 1,024 samples"]
    assert [task.title for task in tasks] == ["First", "Second", "Second"]
    assert [task.data for task in tasks] == [
        "50,000 images (article)", "896 of 50,000 images (quick)", "1,024 of 50,000 images (quick)",
    ]  # fmt: skip
    assert [task.key for task in tasks] == ["first", "second-896-samples", "second-1-024-samples"]


def test_files_stand_in_the_order_of_the_numbers_in_their_names():
    rows = [{**one, "workload": f"my{n}", "file": f"my{n}.py"} for n in (10, 9, 2) for one in own().rows[:1]]
    assert [task.label for task in lay_out(rows).tasks] == ["my2.py", "my9.py", "my10.py"]
