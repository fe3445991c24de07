"""What training costs: energy of GPU and processors, and money at a price per hour."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.stats.describe import median, rate

HOUR_S = 3600.0
#: What is told of each cell, in words.
KINDS = {
    "cpu": "processors of the host",
    "gpu": "GPU",
    "both": "processors and GPU",
    "money": "money",
}


class Cost(Struct, frozen=True):
    """Of one epoch, of 1,000 training samples, and up to the accuracy that counts as learning; None: not known.

    Energy is in joules, money in the currency of the price. `source`: how the energy is known.
    """

    epoch: float
    samples: float | None = None
    target: float | None = None
    source: str = ""


def cost_of(kind: str, row: Row, price: float | None) -> Cost | None:
    """What one job cost, of one of KINDS; None where that is not known."""
    if kind == "money":
        return money([row], price) if price else None
    joules = {"cpu": row.get("cpu_energy_j"), "gpu": row.get("energy_j")}
    joules["both"] = joules["cpu"] + joules["gpu"] if joules["cpu"] and joules["gpu"] else None
    total, epochs, train = joules[kind], row.get("epochs"), row.get("train")
    if not total or not epochs:
        return None
    spans = [row.get(name) for name in ("first_epoch_s", "steady_s", "validated_s")]
    seconds, reached = sum(span for span in spans if span), row.get("reached_s")
    target = total / seconds * reached if seconds and reached is not None else None
    return Cost(total / epochs, 1000 * total / epochs / train if train else None, target)


def energy(rows: Sequence[Row]) -> Cost | None:
    """Of jobs that ended well; None where no device counted or reported it."""
    known = [row for row in rows if row.get("energy_j") and row.get("epochs")]
    epoch = median(row["energy_j"] / row["epochs"] for row in known)
    if epoch is None:
        return None
    samples = median(1000 * row["energy_j"] / row["epochs"] / row["train"] for row in known if row.get("train"))
    sources = {row.get("energy_source") for row in known}
    return Cost(epoch, samples, source="from the power readings" if "integrated" in sources else "as the card counted")


def money(rows: Sequence[Row], price: float) -> Cost | None:
    """At `price` per hour. The target is known where every job got there; the time before fit() is not part of it."""
    per_second = price / HOUR_S
    seconds = median(row.get("epoch_s") for row in rows)
    if seconds is None:
        return None
    per_s = rate(row.get("samples_per_s") for row in rows)
    judged = [row.get("reached_s") for row in rows if row.get("learned") is not None]
    reached = median(judged) if judged and all(value is not None for value in judged) else None
    return Cost(
        seconds * per_second,
        1000 / per_s * per_second if per_s else None,
        reached * per_second if reached is not None else None,
    )
