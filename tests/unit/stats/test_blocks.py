"""The order within a block: contenders of a model together, everything else by chance."""

from __future__ import annotations

import random
from collections import Counter
from itertools import groupby

from orchestrator.stats.blocks import in_order
from tests.make import make_job

BLOCK = [make_job(workload=w, stack=s) for w in ("a", "b", "c") for s in ("x", "y", "z")]


def test_every_job_once_and_the_contenders_of_a_model_together():
    for seed in range(50):
        found = in_order(BLOCK, random.Random(seed))
        assert sorted(job.id for job in found) == sorted(job.id for job in BLOCK)
        assert len(list(groupby(found, lambda job: job.workload))) == 3
        assert [job.id for job in found] == [job.id for job in in_order(BLOCK, random.Random(seed))]


def test_no_place_belongs_to_anybody():
    """Each contender is as often the first, second, third of each model; each model the first, second, third."""
    draws = 6000
    order = random.Random(1)
    models, places = Counter(), Counter()
    for _ in range(draws):
        found = in_order(BLOCK, order)
        models.update((n // 3, found[n].workload) for n in (0, 3, 6))
        places.update((n % 3, job.workload, job.stack) for n, job in enumerate(found))
    expected = draws / 3
    assert len(models) == 9 and len(places) == 27
    for count in [*models.values(), *places.values()]:
        assert abs(count - expected) < 6 * (draws * (1 / 3) * (2 / 3)) ** 0.5


def test_contenders_have_another_order_in_each_model():
    found = in_order(BLOCK, random.Random(3))
    orders = {tuple(job.stack for job in group) for _, group in groupby(found, lambda job: job.workload)}
    assert len(orders) > 1
