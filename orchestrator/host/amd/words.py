"""Reads the dictionaries of AMD SMI's binding, in which what is absent is "N/A", the largest number, or no field."""

from __future__ import annotations

from typing import Any

#: What the library fills in where it has nothing.
NOTHING = (2**32 - 1, 2**64 - 1)


def number(told: Any, *keys: str) -> float | None:
    """The first of these fields that is a number."""
    for key in keys:
        value = told.get(key) if isinstance(told, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value not in NOTHING:
            return float(value)
    return None


def text(told: Any, key: str) -> str:
    """A field that is words; "" for none."""
    value = told.get(key) if isinstance(told, dict) else None
    return value if isinstance(value, str) and value != "N/A" else ""


def energy_j(told: Any) -> float | None:
    """Joules since the driver was loaded: a count of units, which are given in microjoules."""
    count, unit = number(told, "energy_accumulator", "power"), number(told, "counter_resolution")
    return count * unit / 1e6 if count is not None and unit else None


def memory_mb(row: dict[str, Any]) -> float | None:
    """MiB of the card's memory that a process has, from bytes."""
    used = number(row.get("memory_usage"), "vram_mem")
    return used / 2**20 if used is not None else None
