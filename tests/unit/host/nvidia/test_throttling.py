"""NVML's mask in names: what slows a GPU, and not that it idles or was set to a clock."""

from __future__ import annotations

import pytest

from orchestrator.host.nvidia.throttling import SLOWING, slowing


@pytest.mark.parametrize(
    ("mask", "names"),
    [
        *[(None, []), (0, []), (0x1, []), (0x2, []), (0x40, ["hw_thermal"]), (1 << 40, [])],
        *[(0x8 | 0x4 | 0x1, ["sw_power_cap", "hw_slowdown"]), (0x1FF, list(SLOWING.values()))],
    ],
)
def test_only_what_slows_a_gpu_has_a_name(mask, names):
    assert slowing(mask) == names
