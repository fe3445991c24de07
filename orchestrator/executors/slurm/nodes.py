"""The nodes of a partition: those that a configuration means, as a host that plans can count on, and in words."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.errors import HostError
from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.controller import Controller
from orchestrator.model import Device, DeviceKind, Host
from orchestrator.plan.config import Config


def find_nodes(controller: Controller, config: Config) -> tuple[list[Node], set[str]]:
    """The nodes that jobs may use, and the names of the others in the partition. Raises HostError for none."""
    nodes = controller.nodes(config.slurm.partition)
    wanted = controller.named(config.slurm.nodes) if config.slurm.nodes else {node.name for node in nodes}
    unknown = wanted - {node.name for node in nodes}
    if unknown:
        raise HostError(f"slurm.nodes: there is no {', '.join(sorted(unknown))}", "`sinfo -N` lists the nodes")
    return [node for node in nodes if node.name in wanted], {node.name for node in nodes} - wanted


def as_host(nodes: Sequence[Node], config: Config) -> Host:
    """The nodes as plans see a host: with the cores and GPUs that every node has of those that may be meant."""
    wanted = config.slurm.gpu_type
    gpus = {node.name: {k: n for k, n in node.gpus.items() if wanted in (None, k)} for node in nodes}
    with_gpu = [node for node in nodes if sum(gpus[node.name].values())]
    candidates = with_gpu if with_gpu and config.device != "cpu" else nodes
    node = min(candidates, key=lambda node: node.cpus / max(1, sum(gpus[node.name].values())))
    return Host(
        name=f"Slurm partition {node.partition}",
        cpu="",
        cores=list(range(node.cpus)),
        memory_mb=0,
        os="",
        gpus=[Device(kind="gpu", name=kind or "gpu") for kind, n in gpus[node.name].items() for _ in range(n)],
        no_gpu=f"no node of partition {node.partition} has a gpu{f' of type {wanted}' if wanted else ''}",
    )


def kinds_of(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes, those of one kind together."""
    kinds: dict[object, list[Node]] = {}
    for node in nodes:
        kinds.setdefault(node.kind, []).append(node)
    return list(kinds.values())


def describe_nodes(nodes: Sequence[Node]) -> str:
    """The nodes of each kind, with how many of them can be used now."""
    parts = []
    for members in kinds_of(nodes):
        gpus = ", ".join(f"{n} GPU{'s' * (n > 1)}{f' {kind}' if kind else ''}" for kind, n in members[0].gpus.items())
        up = sum(node.up for node in members)
        few = "" if up == len(members) else f" ({up} of them up)"
        names = ", ".join(node.name for node in members[:4]) + (", ..." if len(members) > 4 else "")
        parts.append(f"{len(members)} × {members[0].cpus} CPUs{', ' if gpus else ''}{gpus}: {names}{few}")
    return "; ".join(parts)


def one_of_each(nodes: Sequence[Node], gpu_type: str | None, kind: DeviceKind) -> list[tuple[Node, int]]:
    """A node of each kind that may be meant, one that is up where there is one, and how many are like it."""
    meant = [node for node in nodes if kind == "cpu" or any(gpu_type in (None, each) for each in node.gpus)]
    return [
        (min(members, key=lambda node: (not node.up, node.state != "idle")), len(members) - 1)
        for members in kinds_of(meant)
    ]
