"""run.json: one run in a few lines, written when it ends, so that a list of a thousand runs opens one small file each.

It repeats what the records say and is no source of figures. A run of an older version, or one that was killed, has
none: there `runs` reads the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from orchestrator.model import Noun, PathPart, Plan, Row
from orchestrator.stats.sweeps import misfits, of_rows
from orchestrator.text import public

DIGEST = "run.json"
Count = Annotated[int, Meta(ge=0)]
#: Different hosts, devices and the like that are named; a cluster may have hundreds of nodes.
MOST_NAMED = 20


class Digest(Noun, frozen=True, kw_only=True):
    """One run as a list shows it. `created` and `ended` are ISO 8601, UTC; `statuses` counts the jobs by status.

    `misfits` counts those of them that did not fit into memory along an axis, which is a finding and no failure.
    `owner` is the seal by which its user knows it as his own (run/owner.py).
    """

    version: Literal[1] = 1
    run_id: PathPart
    created: str
    ended: str | None = None
    hosts: list[str] = []
    devices: list[str] = []
    scales: list[str] = []
    #: Versions of Keras, with the requirement that `--keras-spec` named.
    keras: list[str] = []
    statuses: dict[str, Count] = {}
    misfits: Count = 0
    command: str = ""
    owner: str = ""


def digest(plan: Plan, rows: Sequence[Row]) -> Digest:
    """The digest of a run from its plan and its rows, without a seal."""
    return Digest(
        run_id=plan.run_id,
        created=plan.created,
        ended=max((row["ended"] for row in rows if row.get("ended")), default=None),
        hosts=_named(rows, "host"),
        devices=list(dict.fromkeys(row.get("gpu_name") or str(row["device"]) for row in rows))[:MOST_NAMED],
        scales=_named(rows, "scale"),
        keras=_named(rows, "keras_version"),
        statuses=dict(Counter(str(row["status"]) for row in rows)),
        misfits=sum(misfits(of_rows(rows))) if any(row["status"] == "oom" for row in rows) else 0,
        command=public(plan.setup.get("command") or ""),
    )


def _named(rows: Sequence[Row], column: str) -> list[str]:
    return list(dict.fromkeys(str(row[column]) for row in rows if row.get(column)))[:MOST_NAMED]
