"""The preflight on a cluster's own nodes: one of each kind looks at itself, and what they say is put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrator import __version__
from orchestrator.errors import HostError
from orchestrator.executors.slurm import commands
from orchestrator.executors.slurm import executor as slurm
from orchestrator.executors.slurm.attempts import Inspection
from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.controller import Full, Refused, Silent
from orchestrator.executors.slurm.ledger import Away
from orchestrator.host.checks import Check
from orchestrator.model import Noun
from orchestrator.plan.catalog import workloads_sha256


class Seen(Noun, frozen=True, kw_only=True):
    """What a node says of itself."""

    node: str
    orchestrator: str
    workloads_sha256: str
    #: By stack, the id of its image.
    images: dict[str, str] = {}
    checks: list[Check] = []


def examine(away: Away, out: Path, data_dir: Path | None) -> list[Check]:
    """Every check of the cluster and of one node of each kind. Raises HostError."""
    host = slurm.as_host(away)
    kind = "gpu" if away.config.device == "gpu" or (away.config.device == "auto" and host.gpus) else "cpu"
    if kind == "gpu" and not host.gpus:
        raise HostError(host.no_gpu, "`sinfo -o '%P %N %G'` shows what there is")
    found = [Check(level="ok", what=host.name, seen=slurm.describe_nodes(away.nodes))]
    answers = []
    for node, more in one_of_each(away.nodes, away.config.slurm.gpu_type if kind == "gpu" else None, kind):
        answer = ask(away, node, kind, out, data_dir)
        if isinstance(answer, Seen):
            answers.append(answer)
            found += judged(answer, workloads_sha256(Path(away.catalog.root)), more)
        else:
            found.append(answer)
    return [*found, *different_images(answers)]


def one_of_each(nodes: Sequence[Node], gpu_type: str | None, kind: str) -> list[tuple[Node, int]]:
    """A node of each kind that may be meant, one that is up where there is one, and how many are like it."""
    kinds: dict[object, list[Node]] = {}
    for node in nodes:
        if kind == "cpu" or any(gpu_type in (None, each) for each in node.gpus):
            kinds.setdefault(node.kind, []).append(node)
    return [
        (min(members, key=lambda node: (not node.up, node.state != "idle")), len(members) - 1)
        for members in kinds.values()
    ]


def ask(away: Away, node: Node, kind: str, out: Path, data_dir: Path | None) -> Seen | Check:
    """What this node sees, or a line about why it does not tell."""
    config = msgspec.structs.replace(away.config, executor="local", launcher=away.launcher, device=kind)
    order = Inspection(
        config=msgspec.to_builtins(config),
        root=str(Path(away.catalog.root).absolute()),
        out=str(out.absolute()),
        data_dir=str(data_dir.absolute()) if data_dir else None,
    )
    wish = away.config.slurm
    request = commands.Request(
        gpus=1 if kind == "gpu" else 0,
        gpu_type=wish.gpu_type,
        partition=wish.partition,
        account=wish.account,
        nodes=node.name,
        options=wish.options,
    )
    python = wish.python or sys.executable
    command = [python, "-m", "orchestrator.executors.slurm.node", "--look", msgspec.json.encode(order).decode()]
    try:
        return msgspec.json.decode(away.cluster.on_node(commands.srun(request, command)), type=Seen)
    except (Refused, Full, Silent) as error:
        needed = "a node that answers within a minute, with this orchestrator at the same path"
        by_hand = f"srun --nodelist={node.name} {python} -m orchestrator.executors.slurm.node --look '{{}}'"
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
