"""The soak of tests/soak in small: `make soak` runs 500 jobs."""

from __future__ import annotations

import pytest

from tests.fakes.own_engine import missing
from tests.fakes.runs import STACK
from tests.soak.jobs import SHARES, soak, surroundings

pytestmark = [pytest.mark.containers, pytest.mark.slow]


def test_random_faults_leave_a_row_each_and_nothing_behind(image_of, tmp_path_factory):
    if missing():
        pytest.skip(missing())
    image_of(STACK)
    with surroundings(tmp_path_factory.mktemp("soak"), 256) as (bench, own):
        figures = soak(bench, own, jobs=24, seed=2026, pause_s=4)
    assert sum(figures["statuses"].values()) == 24
    assert set(figures["statuses"]) <= {"ok", "failed", "timeout", "oom"}
    assert figures["done_to_it"] and set(figures["done_to_it"]) <= set(SHARES)
    for name in ("descriptors", "threads"):
        assert figures[name]["late"] <= figures[name]["early"] + 4, figures
