"""The soak of tests/soak in small: `make soak` runs 500 jobs."""

from __future__ import annotations

import pytest

from tests.fakes.runs import STACK, Bench
from tests.soak.jobs import soak

pytestmark = [pytest.mark.containers, pytest.mark.slow]


def test_random_faults_leave_a_row_each_and_nothing_behind(image_of, tmp_path):
    image_of(STACK)
    figures = soak(Bench(tmp_path, ["dice"], timeout_s=4), jobs=24, seed=2026, pause_s=6)
    assert sum(figures["statuses"].values()) == 24
    assert set(figures["statuses"]) <= {"ok", "failed", "timeout", "oom"}
    for name in ("descriptors", "threads"):
        assert figures[name]["late"] <= figures[name]["early"] + 4, figures
