"""The preflight on a cluster's own nodes: one of each kind looks at itself, and what they say is put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrator import __version__
from orchestrator.errors import HostError
from orchestrator.executors.slurm import commands
from orchestrator.executors.slurm.attempts import Inspection
from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.controller import Controller, Full, Refused, Silent
from orchestrator.executors.slurm.nodes import describe_nodes, one_of_each
from orchestrator.host.checks import Check
from orchestrator.model import DeviceKind, Host, Noun
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import Config
from orchestrator.plan.request import RunRequest


class Seen(Noun, frozen=True, kw_only=True):
    """What a node says of itself."""

    node: str
    orchestrator: str
    workloads_sha256: str
    #: By stack, the id of its image.
    images: dict[str, str] = {}
    checks: list[Check] = []


def examine(
    request: RunRequest, catalog: Catalog, controller: Controller, nodes: Sequence[Node], host: Host, launcher: str
) -> list[Check]:
    """Every check of the cluster and of one node of each kind. Raises HostError."""
    config = request.config
    kind: DeviceKind = "gpu" if config.device == "gpu" or (config.device == "auto" and host.gpus) else "cpu"
    if kind == "gpu" and not host.gpus:
        raise HostError(host.no_gpu, "`sinfo -o '%P %N %G'` shows what there is")
    config = msgspec.structs.replace(config, executor="local", launcher=launcher, device=kind)
    order = Inspection(
        config=msgspec.to_builtins(config),
        root=str(Path(catalog.root).absolute()),
        stacks=[stack for stack in catalog.stacks if stack.found],
        out=str(request.out.absolute()),
        data_dir=str(request.data_dir.absolute()) if request.data_dir else None,
    )
    found = [Check(level="ok", what=host.name, seen=describe_nodes(nodes))]
    answers = []
    for node, more in one_of_each(nodes, config.slurm.gpu_type if kind == "gpu" else None, kind):
        answer = ask(controller, node, config, order)
        if isinstance(answer, Seen):
            answers.append(answer)
            found += judged(answer, workloads_sha256(Path(catalog.root)), more)
        else:
            found.append(answer)
    return [*found, *different_images(answers)]


def ask(controller: Controller, node: Node, config: Config, order: Inspection) -> Seen | Check:
    """What this node sees, or a line about why it does not tell."""
    anywhere = msgspec.structs.replace(config.slurm, constraint=None)  # the node is named
    request = commands.Request(settings=anywhere, gpus=1 if config.device == "gpu" else 0, node=node.name)
    python = config.slurm.python or sys.executable
    command = [python, "-m", "orchestrator.executors.slurm.node", "--examine", msgspec.json.encode(order).decode()]
    try:
        return msgspec.json.decode(controller.on_node(commands.srun(request, command)), type=Seen)
    except (Refused, Full, Silent) as error:
        needed = "a node that answers within a minute, with this orchestrator at the same path"
        by_hand = f"srun --nodelist={node.name} {python} -m orchestrator.executors.slurm.node --examine '{{}}'"
        mend = f"is it busy? does `{by_hand}` start there?"
        return Check(level="bad", what=node.name, seen=str(error), needed=needed, mend=mend)
    except msgspec.MsgspecError as error:
        return Check(
            level="bad", what=node.name, seen=f"its answer cannot be read: {error}", mend="same version there?"
        )


def judged(seen: Seen, scripts: str, more: int) -> list[Check]:
    """A node's own lines under its name, and whether it has what the run would be made with."""
    like = f", and {more} more of its kind" if more else ""
    found = [
        Check(
            level="ok" if seen.orchestrator == __version__ else "bad",
            what=f"{seen.node}: orchestrator{like}",
            seen=seen.orchestrator,
            needed=__version__,
            mend="install the same version for all nodes, on a file system that they share (slurm.python)",
        ),
        Check(
            level="ok" if seen.workloads_sha256 == scripts else "bad",
            what=f"{seen.node}: workloads/",
            seen=f"sha256 {seen.workloads_sha256[:12]}",
            needed=f"sha256 {scripts[:12]}",
            mend="the nodes must see the same files at the same path",
        ),
    ]
    return found + [msgspec.structs.replace(check, what=f"{seen.node}: {check.what}") for check in seen.checks]


def different_images(answers: Sequence[Seen]) -> list[Check]:
    """Stacks whose image is not the same one on every node."""
    found = []
    for stack in dict.fromkeys(stack for seen in answers for stack in seen.images):
        ids = {seen.node: seen.images[stack] for seen in answers if stack in seen.images}
        if len(set(ids.values())) > 1:
            words = ", ".join(f"{node} {digest[:19]}" for node, digest in ids.items())
            mend = "bring one image to all nodes: slurm.images.by: archive (or registry)"
            found.append(Check(level="bad", what=f"image of {stack}", seen=words, needed="one image", mend=mend))
    return found
