"""What an AMD card is, from what the binding tells of it."""

from __future__ import annotations

import pytest

from orchestrator.host.amd.setup import device
from tests.fakes.amd_host import mi300x, radeon
from tests.unit.host.amd.test_smi import Answers


def made(card, **changes):
    return device(Answers({**card, **changes}), 0, 0)


def test_a_card_has_its_names_memory_driver_and_set_up():
    card = made(mi300x())
    assert (card.name, card.maker, card.place, card.driver) == ("AMD Instinct MI300X OAM", "AMD", "amd0", "6.12.12")
    assert (card.memory_mb, card.minor, card.runtime_name) == (196592, 128, "GPU-a1b2c3d4e5f60718")
    assert (card.compute_capability, card.cuda, card.unusable) == (None, None, "")
    assert card.state == {
        "architecture": "gfx942",
        "power limit": "750 W",
        "PCIe": "generation 5, 16 lanes",
        "partition": "SPX/NPS1",
    }


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ({"hip_id": 3}, "GPU-a1b2c3d4e5f60718"),
        ({"hip_id": 3, "hip_uuid": "GPU-0123456789ABCDEF"}, "GPU-0123456789abcdef"),
        ({"hip_id": 3, "hip_uuid": "GPU-XX"}, "GPU-a1b2c3d4e5f60718"),
    ],
)
def test_its_runtimes_name_is_the_number_that_is_burnt_in(listed, name):
    assert made(mi300x(), gpu_enumeration_info=listed).runtime_name == name


def test_a_card_without_one_is_called_by_its_number():
    assert made(radeon(), gpu_enumeration_info={"hip_id": 1}).runtime_name == "1"
    assert made(radeon(), gpu_enumeration_info=None).runtime_name == "0"


def test_a_card_is_known_by_its_bus_where_it_has_no_uuid_and_by_nothing_at_all_it_is_none():
    assert made(mi300x(), gpu_device_uuid=None).uuid == "AMD-0000:05:00.0"
    assert device(Answers({}), 0, 0) is None
