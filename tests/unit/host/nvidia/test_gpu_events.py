"""Errors that a card reports; tests/stubgpu/test_cases.py has them over the real binding."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.gpu_events import MOST, NO_INSTANCE, EventReader, in_words, kills
from orchestrator.host.nvidia.slices import Slice
from orchestrator.model import GpuEvents
from tests.fakes.nvml_binding import library, refuse


def reporting(*events, types=0xB, **changes):
    """A driver in whose set these events wait: (type, data, instance)."""
    waiting = [SimpleNamespace(eventType=t, eventData=d, gpuInstanceId=i) for t, d, i in events]

    def wait(kept, ms):
        assert ms == 0, "nobody waits for an event to come"
        return waiting.pop(0) if waiting else refuse(10)()

    calls = {
        "nvmlDeviceGetSupportedEventTypes": lambda card: types,
        "nvmlEventSetCreate": lambda: "set",
        "nvmlDeviceRegisterEvents": lambda card, wanted, kept: None,
        "nvmlEventSetWait_v2": wait,
        "nvmlEventSetFree": lambda kept: None,
    }
    return Driver(library(**{**calls, **changes}))


def test_events_are_counted_by_kind():
    reader = EventReader(reporting((8, 31, NO_INSTANCE), (1, 0, NO_INSTANCE), (2, 0, NO_INSTANCE), (8, 63, 4)), "card")
    assert reader.since_last() == GpuEvents(xids=[31, 63], ecc_corrected=1, ecc_uncorrected=1)
    assert reader.since_last() == GpuEvents()


def test_a_slice_has_its_own_and_its_cards():
    driver = reporting((8, 31, 4), (8, 79, NO_INSTANCE), (8, 13, 5))
    assert EventReader(driver, "part", Slice("part", "card", 5)).since_last().xids == [79, 13]


def test_a_number_that_no_error_has_is_none():
    assert EventReader(reporting((8, 2**64 - 1, NO_INSTANCE), (8, 13, NO_INSTANCE)), "card").since_last().xids == [13]


def test_a_storm_of_them_holds_nothing_up():
    reader = EventReader(reporting(*[(1, 0, NO_INSTANCE)] * 3 * MOST), "card")
    assert reader.since_last().ecc_corrected == MOST


@pytest.mark.parametrize(
    "driver",
    [
        reporting(types=0),
        reporting(types=0x10),
        reporting(nvmlEventSetCreate=refuse(999)),
        reporting(nvmlDeviceRegisterEvents=refuse(3)),
        Driver(library()),
    ],
    ids=["none", "others", "no set", "refused", "no such calls"],
)
def test_a_card_that_reports_nothing_has_not_told(driver):
    reader = EventReader(driver, "card")
    assert reader.since_last() is None
    reader.close()


def test_an_error_has_a_meaning_and_kills_or_not():
    assert in_words(31) == "Xid 31 (memory page fault: an illegal address in a kernel)"
    assert in_words(12345) == "Xid 12345"
    assert [kills(number) for number in (13, 31, 48, 79, 94, 119)] == [True] * 6
    assert [kills(number) for number in (63, 92, 12345)] == [False] * 3
