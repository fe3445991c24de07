"""The order of the jobs of one block of repeats: drawn, with the contenders of each model one after another. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable

from orchestrator.model import Job


def in_order(jobs: Iterable[Job], order: random.Random) -> list[Job]:
    """The jobs of a block, models in a drawn order, and within each model its contenders in an order of their own.

    Contenders are compared within their model. Close in time, they meet the same state of the machine; and the first
    model is complete when as many jobs have run as it has contenders.
    """
    models: dict[str, list[Job]] = {}
    for job in jobs:
        models.setdefault(job.workload, []).append(job)
    groups = list(models.values())
    order.shuffle(groups)
    for group in groups:
        order.shuffle(group)
    return [job for group in groups for job in group]
