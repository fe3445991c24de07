"""Readings that no card can show are none."""

from __future__ import annotations

import math

import pytest

from orchestrator.host.plausible import POSSIBLE, sifted
from orchestrator.model import GpuSample


@pytest.mark.parametrize("field", POSSIBLE)
def test_each_field_has_values_that_cannot_be(field):
    low, high = POSSIBLE[field]
    for good in (low, high):
        sample = GpuSample(t=1.0, uuid="g", **{field: good})
        assert sifted(sample) == (sample, [])
    for bad in (low - 1, 2 * high + 1, math.nan, 2.0**64):
        assert sifted(GpuSample(t=1.0, uuid="g", **{field: bad})) == (GpuSample(t=1.0, uuid="g"), [field])


def test_a_card_has_bounds_of_its_own():
    sample = GpuSample(t=1.0, uuid="g", mem_mb=9.0)
    assert sifted(sample, {"mem_mb": (0, 8)})[1] == ["mem_mb"]
    assert sifted(sample, {"mem_mb": (0, 9)}) == sifted(sample) == (sample, [])
