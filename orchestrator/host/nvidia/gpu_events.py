"""What a card reports by itself: errors of programs, of the card and of its memory, as NVML's events.

An Xid is the driver's number for an error; NVIDIA's document "Xid Errors" has their meanings. Nobody has seen these
events on a real card with this program yet.
"""

from __future__ import annotations

from typing import Any

from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.slices import Slice
from orchestrator.model import GpuEvents, Noun

#: NVML's bits: memory errors that were corrected, those that could not be, and errors with a number.
CORRECTED, UNCORRECTED, XID = 0x1, 0x2, 0x8
#: Events that are taken at a time: a storm of corrected errors must not hold a reading up.
MOST = 100
#: No error has a number from this one on.
NO_NUMBER = 2**31
#: The instance in an event that is about the whole card.
NO_INSTANCE = 2**32 - 1


class Xid(Noun, frozen=True):
    """What a number means, and whether the programs on the card die of it."""

    meaning: str
    kills: bool = True


XIDS = {
    13: Xid("graphics engine exception: often an access out of bounds in a kernel"),
    31: Xid("memory page fault: an illegal address in a kernel"),
    32: Xid("corrupted push buffer stream"),
    38: Xid("driver firmware error"),
    43: Xid("the card stopped processing a program"),
    45: Xid("a program's channels were removed, after an error or because it was ended", kills=False),
    48: Xid("double bit ECC error"),
    61: Xid("internal microcontroller breakpoint"),
    62: Xid("internal microcontroller halt"),
    63: Xid("a memory row was marked for remapping", kills=False),
    64: Xid("a memory row could not be remapped", kills=False),
    68: Xid("video decoder exception"),
    69: Xid("graphics engine class error"),
    74: Xid("NVLink error", kills=False),
    79: Xid("the card has fallen off the bus"),
    92: Xid("many single bit ECC errors", kills=False),
    94: Xid("contained memory error"),
    95: Xid("uncontained memory error"),
    109: Xid("context switch timeout"),
    119: Xid("the card's own processor (GSP) does not answer"),
    120: Xid("error of the card's own processor (GSP)"),
    140: Xid("unrecovered ECC error"),
}


def in_words(number: int) -> str:
    """An Xid with its meaning, as far as it is known here."""
    return f"Xid {number} ({XIDS[number].meaning})" if number in XIDS else f"Xid {number}"


def kills(number: int) -> bool:
    """Whether programs on the card die of an Xid; one that is not known here is not said to."""
    return number in XIDS and XIDS[number].kills


class EventReader:
    """The events of one GPU since the last look. `there`: whether its driver reports any."""

    def __init__(self, driver: Driver, handle: Any, part: Slice | None = None) -> None:
        self._driver = driver
        self._instance = part.instance if part else None
        card = part.card if part else handle
        wanted = (driver.ask("nvmlDeviceGetSupportedEventTypes", card) or 0) & (CORRECTED | UNCORRECTED | XID)
        self._set = driver.ask("nvmlEventSetCreate") if wanted else None
        self.there = self._set is not None and self._registered(card, wanted)

    def since_last(self) -> GpuEvents | None:
        """What was reported since the last call; None where the driver reports nothing. Raises GpuLost."""
        if not self.there:
            return None
        xids: list[int] = []
        counts = {CORRECTED: 0, UNCORRECTED: 0}
        for _ in range(MOST):
            event = self._next()
            if event is None:
                break
            if event.gpuInstanceId not in (NO_INSTANCE, self._instance) and self._instance is not None:
                continue  # of another slice
            if event.eventType == XID and event.eventData < NO_NUMBER:
                xids.append(int(event.eventData))
            elif event.eventType in counts:
                counts[event.eventType] += 1
        return GpuEvents(xids=xids, ecc_corrected=counts[CORRECTED], ecc_uncorrected=counts[UNCORRECTED])

    def close(self) -> None:
        """Raises GpuLost."""
        if self._set is not None:
            self._driver.ask("nvmlEventSetFree", self._set)
        self._set, self.there = None, False

    def _registered(self, card: Any, wanted: int) -> bool:
        n = self._driver.n
        try:
            self._driver.call(n.nvmlDeviceRegisterEvents, card, wanted, self._set)
        except (n.NVMLError, n.NVMLLibraryMismatchError, AttributeError):
            return False
        return True

    def _next(self) -> Any:
        """The next event that waits, None for none: nobody waits for one to come."""
        n = self._driver.n
        wait = getattr(n, "nvmlEventSetWait_v2", None) or n.nvmlEventSetWait
        try:
            return self._driver.call(wait, self._set, 0)
        except n.NVMLError:  # the time is up, or the card is gone, which readings will say
            return None
