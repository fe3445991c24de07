"""Nodes of one kind may do each other's repeats; nodes of different kinds are never averaged together."""

from __future__ import annotations

import pytest

from orchestrator.report.layout import lay_out
from orchestrator.results.merged_set import group
from orchestrator.stats.compare import compare
from orchestrator.stats.repeats import is_time, steady_epochs, with_node_kind
from tests.make import row

NODE = {"cluster": "bench", "cpu": "Xeon", "driver": "470", "gpu_name": "Tesla K80", "device": "gpu"}


def on(host, seconds=1.0, **more):
    return row(host=host, epoch_s=seconds, repeat=int(host[1:]), job_id=f"j{host}", **{**NODE, **more})


def test_repeats_on_nodes_of_one_kind_share_a_cell_a_group_and_a_comparison():
    rows = [on("n1"), on("n2"), on("n3")]
    assert len(lay_out(rows).contenders) == 1
    assert len({group(each) for each in rows}) == 1
    (ratio,) = compare(rows, [on("n4", 2.0), on("n5", 2.1)])
    assert (ratio.n_a, ratio.n_b, round(ratio.ratio)) == (3, 2, 2)


@pytest.mark.parametrize(
    "other", [{"gpu_name": "NVIDIA H100"}, {"cpu": "EPYC"}, {"driver": "580"}, {"cluster": "other"}, {"cluster": None}]
)
def test_nodes_of_different_kinds_are_never_averaged(other):
    rows = [on("n1"), on("n2", **other)]
    assert len(lay_out(rows).contenders) == 2
    assert len({group(each) for each in rows}) == 2
    (ratio,) = compare(rows, rows)
    assert "more than one" in ratio.why_not and ratio.ratio is None


def test_hosts_of_their_own_stay_apart_and_nodes_keep_their_names():
    rows = [on("n1", cluster=None), on("n2", cluster=None)]
    assert len(lay_out(rows).contenders) == 2
    assert with_node_kind(rows[0])["host"] == "n1"
    assert on("n1")["host"] == "n1"


def test_the_first_epoch_and_an_epoch_without_a_time_are_no_steady_epochs():
    numbers = [(1, 9.0), (2, 3.0), (3, None), (4, 4.0), (None, 5.0)]
    epochs = [{"run_id": "r", "job_id": "j", "epoch": number, "train_s": seconds} for number, seconds in numbers]
    assert steady_epochs(epochs) == {("r", "j"): [3.0, 4.0]}


@pytest.mark.parametrize("seconds", [None, -1.0, 0.0, 1e-300, 1e308, float("inf"), float("nan")])
def test_a_time_beyond_all_sense_is_none(seconds):
    assert not is_time(seconds)
    assert is_time(1e-6) and is_time(1e6)
