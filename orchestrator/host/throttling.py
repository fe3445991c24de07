"""NVML's bit mask of reasons why a GPU is slowed down, as names."""

from __future__ import annotations

#: Bits of NVML's mask that slow a card down: all but "idle" and "clocks that somebody chose".
SLOWING = {
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal",
    0x40: "hw_thermal",
    0x80: "hw_power_brake",
    0x100: "display_clock",
}


def slowing(mask: int | None) -> list[str]:
    """Names of what slows a card down by this mask of NVML's."""
    return [name for bit, name in SLOWING.items() if mask and mask & bit]
