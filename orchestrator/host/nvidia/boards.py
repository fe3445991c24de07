"""Which GPUs lie on one board: they share its power and its heat, so that two jobs at once slow each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.host.nvidia.driver import Driver


def shared(driver: Driver, handles: Mapping[str, Any]) -> dict[str, str]:
    """UUID -> the first UUID on its board, for those that share one. Raises GpuLost."""
    boards: dict[str, list[str]] = {}
    for uuid, handle in handles.items():
        first = next((f for f in boards if driver.ask("nvmlDeviceOnSameBoard", handles[f], handle)), uuid)
        boards.setdefault(first, []).append(uuid)
    return {uuid: first for first, members in boards.items() if len(members) > 1 for uuid in members}
