"""What may be compared with what: rows of unlike conditions never share a cell."""

from __future__ import annotations

import pytest

from orchestrator.report.layout import AS_FOUND, last_year, lay_out, short_labels
from tests.fakes.made_up import own, recorded, troubled
from tests.make import row


def test_every_row_lands_in_exactly_one_cell():
    rows = troubled().rows
    layout = lay_out(rows)
    assert sum(len(found) for found in layout.cells.values()) == len(rows) == len(layout.places)


def test_contenders_are_ordered_by_month_then_name():
    layout = lay_out(recorded(repeats=1).rows)
    assert [contender.label for contender in layout.contenders] == [
        "MXNet 0.11.0", "TensorFlow 1.3.0", "Theano 0.9.0", "CNTK 2.5.1",
        "JAX 0.10.0", "PyTorch 2.13.0", "TensorFlow 2.21.0",
    ]  # fmt: skip
    assert [contender.year for contender in layout.contenders] == ["2017"] * 3 + ["2018"] + ["2026"] * 3
    assert [contender.article for contender in layout.contenders] == [True] * 4 + [False] * 3


def test_a_grid_has_a_line_per_task_and_a_column_per_contender():
    layout = lay_out([row(), row(backend="jax"), row(workload="mnist_cnn")])
    assert layout.grid(lambda column, line: (column, line)) == [[(0, 0), (1, 0)], [(0, 1), (1, 1)]]


def test_a_job_without_versions_joins_its_contender():
    early = row(status="failed", framework_version=None, keras_version=None, host=None, data_sha256=None)
    layout = lay_out([row(), early])
    assert (len(layout.contenders), len(layout.tasks)) == (1, 1)


def test_a_job_that_fits_two_contenders_stays_apart_unless_its_run_tells():
    old, new = row(run_id="a", keras_version="3.15.1"), row(run_id="b", keras_version="3.16.0")
    early = {"status": "failed", "keras_version": None}
    assert len(lay_out([old, new, row(run_id="c", **early)]).contenders) == 3
    assert len(lay_out([old, new, row(run_id="b", **early)]).contenders) == 2


@pytest.mark.parametrize(
    "difference",
    [{"scale": "article"}, {"epochs": 9}, {"train": 9}, {"data_kind": "synthetic"}, {"workloads_sha256": "12" * 32}],
    ids=lambda difference: next(iter(difference)),
)
def test_different_conditions_never_share_a_row(difference):
    layout = lay_out([row(), row(backend="theano", **difference)])
    assert len(layout.tasks) == 2
    assert len({task.label for task in layout.tasks}) == 2


def test_the_same_data_is_the_same_whoever_fetched_it():
    assert len(lay_out([row(data_kind="official"), row(data_kind="given")]).tasks) == 1


def test_labels_say_just_enough_to_tell_contenders_apart():
    rows = [row(), row(device="gpu", host="b", threads=6), row(variant="modern"), row(stack="again")]
    labels = [contender.label for contender in lay_out(rows).contenders]
    assert sorted(labels) == sorted([
        "TensorFlow 1.3.0 faithful CPU keras2-tensorflow-cntk", "TensorFlow 1.3.0 faithful GPU keras2-tensorflow-cntk",
        "TensorFlow 1.3.0 modern CPU keras2-tensorflow-cntk", "TensorFlow 1.3.0 faithful CPU again",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("difference", "words"),
    [({"image_digest": "sha256:" + "1" * 64}, "image sha256:111111111111"), ({"driver": "390.30"}, "driver 390.30")],
)
def test_other_images_and_drivers_are_no_repeats_of_one_contender(difference, words):
    plain = {"image_digest": "sha256:" + "0" * 64, "driver": "384.81"}
    layout = lay_out([row(**plain), row(**{**plain, **difference})])
    assert len(layout.contenders) == 2
    assert any(words in contender.label for contender in layout.contenders)
    unknown = row(status="failed", **dict.fromkeys(plain))
    assert len(lay_out([row(**plain), unknown]).contenders) == 1


def test_labels_that_cannot_be_told_apart_are_numbered():
    rows = [row(run_id="a", host="x"), row(run_id="b", host="y"), row(run_id="c", host=None)]
    labels = [contender.label for contender in lay_out(rows).contenders]
    assert len(set(labels)) == 3


def test_the_amounts_of_a_task_do_not_break_within_a_figure():
    (task,) = lay_out([row()]).tasks
    assert task.amounts == "4,096 samples (quick), 5\u00a0epochs, batch\u00a0128"


def test_tasks_stand_in_the_order_of_their_amounts_as_numbers():
    rows = [row(train=amount) for amount in (1024, 896, 12800)]
    assert [task.label for task in lay_out(rows).tasks] == [
        "mnist_mlp · 896 samples", "mnist_mlp · 1,024 samples", "mnist_mlp · 12,800 samples",
    ]  # fmt: skip


MACHINE = {
    **{"machine": "a", "cpu": "c", "cores": 2, "cpu_quota": None, "memory_gib": 8.0, "os": "Debian 12"},
    **{"kernel": "6.1", "virtualization": "none"},
}


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ({"machine": "b"}, "machine b"),
        ({"cpu": "d"}, "d"),
        ({"cores": 4}, "4 cores"),
        ({"cpu_quota": 0.2}, "CPU quota 0.2"),
        ({"memory_gib": 7.5}, "7.5 GiB"),
        ({"os": "Ubuntu 24.04"}, "Ubuntu 24.04"),
        ({"kernel": "6.8"}, "kernel 6.8"),
        ({"virtualization": "KVM"}, "under KVM"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_two_machines_of_one_name_never_share_a_cell_and_are_never_ranked_together(difference, words):
    layout = lay_out([row(**MACHINE), row(**{**MACHINE, **difference})])
    assert len(layout.contenders) == len(layout.machines) == 2
    assert any(words in contender.label for contender in layout.contenders)


def test_records_that_do_not_tell_their_machine_are_one_group_and_not_that_of_those_that_do():
    layout = lay_out([row(), row(repeat=2), row(**MACHINE)])
    assert sorted(len(rows) for rows in layout.cells.values()) == [1, 2]


def test_one_is_singular_in_labels():
    labels = [contender.label for contender in lay_out([row(threads=1), row(threads=2)]).contenders]
    assert [label.split()[-2:] for label in labels] == [["1", "thread"], ["2", "threads"]]


def test_a_file_of_ones_own_stands_in_the_column_of_its_stack():
    layout = lay_out(own().rows + recorded(workloads=["mnist_mlp"]).rows)
    assert len(layout.contenders) == 7
    assert [task.label for task in layout.tasks] == ["mnist_mlp", "my.py"]


def test_a_stack_that_was_found_says_so():
    layout = lay_out(own(jax={"found": "the Python in /opt/conda"}).rows)
    assert [contender.name for contender in layout.contenders if AS_FOUND in contender.details] == ["JAX 0.10.0"]


def test_what_nobody_knows_the_month_of_stands_last():
    rows = [row(released=None, article=None, backend="jax"), row()]
    rows.append(row(released="2024-02", article=False, backend="torch"))
    layout = lay_out(rows)
    assert [contender.year for contender in layout.contenders] == ["2017", "2024", ""]
    assert last_year(layout.contenders) == "2024" and last_year([]) == ""


def test_scripts_with_packages_of_their_own_share_a_contender():
    layout = lay_out(
        [row(), row(workload="mine", packages_sha256="1" * 64), row(workload="yours", packages_sha256="2" * 64)]
    )
    assert (len(layout.contenders), len(layout.tasks)) == (1, 3)


def test_one_script_with_two_sets_of_packages_is_never_one_figure():
    old, new = (row(run_id=n, workload="mine", packages_sha256=n * 64) for n in "12")
    layout = lay_out([old, new])
    assert [contender.label for contender in layout.contenders] == [
        "TensorFlow 1.3.0 packages 11111111",
        "TensorFlow 1.3.0 packages 22222222",
    ]
    assert {len(rows) for rows in layout.cells.values()} == {1}


def test_a_machine_is_told_by_its_host_and_its_device_and_by_more_only_where_that_is_not_enough():
    def words(*rows):
        layout = lay_out(list(rows))
        return sorted(layout.machine_words(machine) for machine in layout.machines)

    gpu = {"device": "gpu", "gpu_name": "Tesla K80"}
    assert words(row(host="a", threads=2), row(host="b", threads=4, **gpu)) == ["a, CPU", "b, Tesla K80"]
    assert words(row(threads=2), row(threads=4)) == ["2 threads", "4 threads"]
    assert words(row(**gpu), row(**{**gpu, "gpu_name": "H100"})) == ["H100", "Tesla K80"]


def test_among_themselves_contenders_are_called_by_what_tells_them_apart():
    rows = [row(host=host, launcher=launcher) for host in "ab" for launcher in ("docker", "process")]
    contenders = lay_out([*rows, row(backend="jax", framework_version="1", host="a")]).contenders
    on_a = [one for one in contenders if one.identity["host"] == "a"]
    assert sorted(short_labels(on_a)) == ["JAX 1", "TensorFlow 1.3.0 docker", "TensorFlow 1.3.0 process"]
    keys = [contender.key for contender in contenders]
    assert len(set(keys)) == len(keys) and "jax-1" in keys
