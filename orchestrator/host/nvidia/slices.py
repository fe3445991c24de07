"""Slices of a card (MIG): each is a device of its own, and the card itself is none while it is cut.

A slice has its own memory and processes. What the driver tells of the whole card alone is the slice's as well where it
cannot be otherwise (temperature, clocks and what slows them), and absent where others may have caused it (power,
energy). It tells no utilization of slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from orchestrator.host.cards import GpuLost
from orchestrator.host.nvidia.driver import Driver, text
from orchestrator.model import Device

MIB = 2**20
#: Slices of a card that are looked for: there are 7 on the largest of today.
MOST = 64
#: Why a slice has fewer figures than a card.
FEWER = "a slice (MIG): the driver tells no utilization, power and energy of it"
UNCUT = "MIG is on, and no slice has been made: the card runs no program"


class Slice(msgspec.Struct, frozen=True):
    """How the driver calls a slice: its own handle, its card's, and its number among the card's instances."""

    handle: Any
    card: Any
    instance: int | None


def is_cut(driver: Driver, handle: Any) -> bool:
    """Whether MIG is on. Raises GpuLost."""
    mode = driver.ask("nvmlDeviceGetMigMode", handle)
    return bool(mode and mode[0])


def of_card(driver: Driver, card: Device, handle: Any) -> Iterator[tuple[Device, Slice]]:
    """The slices of a card whose MIG is on, as devices. A slice that does not answer is left out. Raises GpuLost."""
    for number in range(min(MOST, driver.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0)):
        part = driver.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
        uuid = text(driver.ask("nvmlDeviceGetUUID", part)) if part is not None else None
        if part is None or uuid is None:
            continue
        instance = driver.ask("nvmlDeviceGetGpuInstanceId", part)
        memory = driver.ask("nvmlDeviceGetMemoryInfo", part)
        yield _device(card, number, uuid, driver, part, memory), Slice(part, handle, instance)


def _device(card: Device, number: int, uuid: str, driver: Driver, part: Any, memory: Any) -> Device:
    size = memory.total // MIB if memory else None
    name = text(driver.ask("nvmlDeviceGetName", part)) or card.name
    if "MIG" not in name:  # older drivers give the card's
        name = f"{card.name} MIG {size} MiB" if size else f"{card.name} MIG"
    return msgspec.structs.replace(
        card,
        name=name,
        uuid=uuid,
        parent=card.uuid,
        part=number,
        memory_mb=size,
        state={**card.state, "slice": FEWER},
        unusable=card.unusable,
    )


def found_by(driver: Driver, uuid: str, handle: Any) -> Slice | None:
    """What a handle that was found by its UUID is a slice of; None for a whole card. Raises GpuLost."""
    if not uuid.startswith("MIG-"):
        return None
    card = driver.ask("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", handle)
    if card is None:
        raise GpuLost(f"the card of {uuid} does not answer")
    return Slice(handle, card, driver.ask("nvmlDeviceGetGpuInstanceId", handle))
