"""Names the reasons for which a GPU is slowed down, which NVML gives as a bit mask."""

from __future__ import annotations

#: The bits of NVML's mask that mean a slower GPU: all but "idle" and "clocks set by an application".
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
    """Names of the reasons in a mask, in the order of its bits; empty for None."""
    return [name for bit, name in SLOWING.items() if mask and mask & bit]
