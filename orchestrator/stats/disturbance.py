"""What kept a job from its cores, from counters of the kernel: how much it lacked, by whom, and what is worth a mark.

All times are seconds, added up over cores. `docs/PROTOCOL.md` says where they come from and why the bounds are these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestrator.model import Row

#: A job that lacked less of what it needed is not marked, nor one that lacked less than this many seconds.
SMALL_SHARE, SMALL_S = 0.05, 0.1
#: A part of what was lacked is named from this share of it on.
NAMED = 0.2
#: Reasons of a slower clock that are no disturbance.
EVERYDAY = frozenset({"sw_power_cap"})
OTHERS, QUOTA, HYPERVISOR = "others on its cores", "CPU quota", "hypervisor"


class Counted(Struct, frozen=True, kw_only=True):
    """How much each counter grew in a window of `seconds`; None where it was not read.

    `cores` is how many the job may use; `busy` is what anybody used of those.
    """

    seconds: float
    cores: int
    cpu: float | None
    wait: float | None
    busy: float | None
    throttled: float | None
    steal: float | None


class Lack(Struct, frozen=True, kw_only=True):
    """What a job lacked in a window: `lost` seconds, `share` of what it needed, by cause the largest first.

    `others` is what others used of its cores, also where the job did not need them.
    """

    lost: float
    share: float
    others: float
    causes: tuple[str, ...]

    @property
    def marked(self) -> bool:
        return self.share >= SMALL_SHARE and self.lost >= SMALL_S


def lack(counted: Counted) -> Lack | None:
    """What the job lacked; None where too little is known.

    Threads also wait for one another, which is the job's own doing, and others also use a core that the job leaves
    idle, which costs it nothing: so the lesser of waiting and of others' use is what others took. Some kernels count
    what a quota holds back as waiting as well: no sum exceeds what the job left of its cores.
    """
    if counted.cpu is None or counted.busy is None or counted.seconds <= 0:
        return None
    others = max(0.0, counted.busy - counted.cpu)
    steal = counted.steal or 0.0
    taken = others if counted.wait is None else min(counted.wait, others)
    held = counted.throttled or 0.0
    left = max(0.0, counted.seconds * counted.cores - counted.cpu)
    scale = min(1.0, left / (taken + held)) if taken + held > 0 else 0.0
    parts = {OTHERS: taken * scale, QUOTA: held * scale, HYPERVISOR: steal}
    lost = sum(parts.values())
    needed = max(counted.seconds, counted.cpu + lost)
    named = [cause for cause in sorted(parts, key=lambda c: -parts[c]) if lost and parts[cause] >= NAMED * lost]
    return Lack(lost=lost, share=lost / needed, others=others, causes=tuple(named))


def slept(seconds: float, share: float) -> bool:
    """Whether a job's sleep, in seconds and as a share of the time, is worth a mark."""
    return share >= SMALL_SHARE and seconds >= SMALL_S


def causes(row: Row) -> list[str]:
    """What disturbed a job or an epoch from outside, in words; empty for nothing, and where nothing is known."""
    found = [cause for cause in str(row.get("disturbed") or "").split(", ") if cause]
    if slowed_by(row):
        found.append("GPU throttled")
    if with_strangers(row):
        found.append("strangers on its GPU")
    return found


def slowed_by(row: Row) -> list[str]:
    """What slowed a job's GPU for more than a small part of its epochs; its power limit is how it is meant to work."""
    reasons = [reason for reason in str(row.get("throttle_reasons") or "").split(", ") if reason]
    return [reason for reason in reasons if reason not in EVERYDAY] if _more_than_small(row, "gpu_throttled") else []


def with_strangers(row: Row) -> bool:
    """Whether other processes were on a job's GPU for more than a small part of its epochs."""
    return bool(row.get("gpu_shared")) and _more_than_small(row, "gpu_shared")


def _more_than_small(row: Row, column: str) -> bool:
    share = row.get(f"{column}_percent")
    return share is None or share >= 100 * SMALL_SHARE


def disturbed(rows: Iterable[Row]) -> list[Row]:
    """Those of the rows of jobs that ended well whose figures rest on a disturbed measurement."""
    return [row for row in rows if row["status"] == "ok" and causes(row)]


def most_frequent(rows: Sequence[Row]) -> list[str]:
    """The causes of these rows, the most frequent first."""
    seen = [cause for row in rows for cause in causes(row)]
    return sorted(dict.fromkeys(seen), key=lambda cause: -seen.count(cause))
