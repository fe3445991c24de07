"""What training costs, from the rows of one cell: energy of its GPU, and money at a price per hour."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.stats.describe import median

HOUR_S = 3600.0


class Cost(Struct, frozen=True):
    """Of one epoch, of 1,000 training samples, and up to the accuracy that counts as learning; None: not known.

    Energy is in joules, money in the currency of the price. `source`: how the energy is known.
    """

    epoch: float
    samples: float | None = None
    target: float | None = None
    source: str = ""


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
    rate = median(row.get("samples_per_s") for row in rows)
    judged = [row.get("reached_s") for row in rows if row.get("learned") is not None]
    reached = median(judged) if judged and all(value is not None for value in judged) else None
    return Cost(
        seconds * per_second,
        1000 / rate * per_second if rate else None,
        reached * per_second if reached is not None else None,
    )
