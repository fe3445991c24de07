"""The nodes of a partition, as plans and people see them."""

from __future__ import annotations

from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.nodes import one_of_each


def test_one_node_of_each_kind_is_looked_at_and_rather_one_that_is_free():
    def node(name, state, **gpus):
        return Node(name=name, state=state, cpus=4, gpus=gpus, features="", partition="p")

    nodes = [node("a", "down*", k80=1), node("b", "mixed", k80=1), node("c", "idle", k80=1), node("d", "idle")]
    assert [(n.name, more) for n, more in one_of_each(nodes, None, "gpu")] == [("c", 2)]
    assert [n.name for n, _ in one_of_each(nodes, None, "cpu")] == ["c", "d"]
    assert one_of_each(nodes, "h100", "gpu") == []
