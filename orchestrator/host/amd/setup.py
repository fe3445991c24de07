"""What one of AMD's cards is, and how it is set up, in words."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.host import topology
from orchestrator.host.amd.binding import Binding
from orchestrator.host.amd.words import number, text
from orchestrator.model import AMD_CARDS, Device

#: A limit of power below which it is in watts, and not in millionths.
WATTS = 10_000
#: What ROCm's runtime calls a card, made of the number that is burnt into it.
RUNTIME_NAME = re.compile(r"GPU-[0-9a-f]{16}")


def device(binding: Binding, place: int, handle: Any) -> Device | None:
    """The card at a place of AMD SMI's list; None for one of which nothing is told."""
    ask = binding.ask
    asic, bus = ask("get_gpu_asic_info", handle), ask("get_gpu_device_bdf", handle)
    own = ask("get_gpu_device_uuid", handle)
    if asic is None and bus is None and own is None:
        return None
    listed, memory = ask("get_gpu_enumeration_info", handle), ask("get_gpu_vram_usage", handle)
    hip, render, total = number(listed, "hip_id"), number(listed, "drm_render"), number(memory, "vram_total")
    index = place if hip is None else int(hip)
    return Device(
        kind="gpu",
        name=text(asic, "market_name") or f"AMD GPU {index}",
        uuid=f"{AMD_CARDS}{own or bus or place}",
        driver=text(ask("get_gpu_driver_info", handle), "driver_version") or None,
        index=index,
        minor=None if render is None else int(render),
        memory_mb=None if total is None else int(total),
        runtime_name=_runtime_name(listed, asic) or str(index),
        near=topology.near_gpu(bus if isinstance(bus, str) else None),
        state=_state(binding, handle, asic),
    )


def _runtime_name(listed: Any, asic: Any) -> str:
    """As ROCR_VISIBLE_DEVICES takes it; "" where neither tells, as of many cards for games."""
    serial = text(asic, "asic_serial").lower().removeprefix("0x")
    for name in (text(listed, "hip_uuid").replace("GPU-", "").lower(), serial):
        if RUNTIME_NAME.fullmatch(f"GPU-{name:0>16}") and name.strip("0"):
            return f"GPU-{name:0>16}"
    return ""


def _state(binding: Binding, handle: Any, asic: Any) -> dict[str, str]:
    ask = binding.ask
    limit = number(ask("get_power_cap_info", handle), "power_cap")
    bus = ask("get_pcie_info", handle) or {}
    generation = number(bus.get("pcie_static"), "pcie_interface_version")
    lanes = number(bus.get("pcie_metric"), "pcie_width")
    parts = [ask("get_gpu_compute_partition", handle), ask("get_gpu_memory_partition", handle)]
    found = {
        "architecture": text(asic, "target_graphics_version"),
        "power limit": "" if not limit else f"{limit if limit < WATTS else limit / 1e6:g} W",
        "PCIe": "" if generation is None or lanes is None else f"generation {generation:g}, {lanes:g} lanes",
        "partition": "/".join(part for part in parts if isinstance(part, str) and part not in ("", "N/A")),
    }
    return {name: value for name, value in found.items() if value}
