"""Slices of a card; tests/stubgpu/test_slices.py has them over the real binding."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.host.cards import GpuLost
from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.slices import found_by, is_cut, of_card
from tests.fakes.nvml_binding import library
from tests.make import make_gpu

#: One slice, at place 1, under a driver that gives it the card's name and no memory.
CUT = {
    "nvmlDeviceGetMigMode": lambda handle: [1, 1],
    "nvmlDeviceGetMaxMigDeviceCount": lambda handle: 7,
    "nvmlDeviceGetMigDeviceHandleByIndex": lambda handle, place: "slice" if place == 1 else None,
    "nvmlDeviceGetUUID": lambda handle: b"MIG-1",
    "nvmlDeviceGetGpuInstanceId": lambda handle: 3,
    "nvmlDeviceGetDeviceHandleFromMigDeviceHandle": lambda handle: "card",
}


def test_a_slice_is_told_from_its_card_by_name_and_place():
    card = make_gpu(0, name="A100", state={"ECC": "on"})
    ((device, part),) = of_card(Driver(library(**CUT)), card, "card")
    assert (device.name, device.uuid, device.parent, device.place) == ("A100 MIG", "MIG-1", card.uuid, "0:1")
    assert (device.memory_mb, device.state["ECC"]) == (None, "on")
    assert (part.handle, part.card, part.instance) == ("slice", "card", 3)


def test_the_size_names_a_slice_whose_driver_does_not():
    sized = library(**CUT, nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(total=5 * 2**30))
    ((device, _),) = of_card(Driver(sized), make_gpu(0, name="A100"), "card")
    assert (device.name, device.memory_mb) == ("A100 MIG 5120 MiB", 5120)


def test_a_count_that_no_card_has_ends_nothing():
    many = library(**{**CUT, "nvmlDeviceGetMaxMigDeviceCount": lambda handle: 2**32 - 1})
    assert len(list(of_card(Driver(many), make_gpu(0), "card"))) == 1


@pytest.mark.parametrize(("mode", "cut"), [([0, 1], False), ([1, 0], True), (None, False)])
def test_what_counts_is_the_mode_of_now(mode, cut):
    driver = Driver(library(nvmlDeviceGetMigMode=lambda handle: mode))
    assert is_cut(driver, "handle") is cut


def test_a_uuid_says_whether_it_is_a_slices():
    driver = Driver(library(**CUT))
    assert found_by(driver, "GPU-1", "handle") is None
    assert found_by(driver, "MIG-1", "slice").card == "card"
    with pytest.raises(GpuLost, match="the card of MIG-1"):
        found_by(Driver(library()), "MIG-1", "slice")
