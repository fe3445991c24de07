"""The set-up of a card in words, as far as its driver tells."""

from __future__ import annotations

from orchestrator.host.nvidia import card_state
from orchestrator.host.nvidia.driver import Driver
from tests.fakes.nvml_binding import library


def test_what_is_told_is_in_words_and_the_rest_is_left_out():
    told = {
        "EnforcedPowerLimit": 700_000, "PersistenceMode": 1, "EccMode": [1, 0], "ComputeMode": 3,
        "CurrPcieLinkGeneration": 5, "CurrPcieLinkWidth": 16, "VirtualizationMode": 1,
    }  # fmt: skip
    driver = Driver(library(**{f"nvmlDeviceGet{name}": lambda handle, v=value: v for name, value in told.items()}))
    assert card_state.in_words(driver, "handle") == {
        "power limit": "700 W", "persistence mode": "on", "ECC": "on", "compute mode": "exclusive process",
        "PCIe": "generation 5, 16 lanes", "virtualization": "passed through",
    }  # fmt: skip
    assert card_state.in_words(Driver(library()), "handle") == {}


def test_a_card_that_no_program_may_use():
    modes = [card_state.unusable(Driver(library(nvmlDeviceGetComputeMode=lambda h, m=m: m)), "h") for m in range(4)]
    assert [bool(why) for why in modes] == [False, False, True, False]
    assert card_state.unusable(Driver(library()), "handle") == ""
