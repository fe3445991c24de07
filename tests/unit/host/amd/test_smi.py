"""Readings of AMD's cards over a binding of a few lines: units, and what is absent."""

from __future__ import annotations

import os

import pytest

from orchestrator.host.amd.smi import Smi
from orchestrator.host.cards import GpuLost
from tests.fakes.amd_host import mi300x, radeon

UUID = "AMD-00ff74a1-0000-1000-8000-b2c3d4e5f607"


class Answers:
    """As much of `Binding` as is asked; `card` holds what each function gives."""

    def __init__(self, card):
        self.card = {**card, "get_processor_handles": [0]}

    def ask(self, name, *arguments):
        words = [name.removeprefix("get_"), *(word for word in arguments[1:] if word != "current")]
        return self.card.get(" ".join(words), self.card.get(name))

    def constant(self, group, name):
        return None if name == "JUNCTION" else name.lower()


def smi(card, **changes):
    made = Smi(Answers({**card, **changes}))
    made.devices()
    return made


def test_every_figure_has_its_unit():
    energy = {"energy_accumulator": 10_000_000, "counter_resolution": 15.3}
    card = smi(mi300x(), energy_count=energy, gpu_activity={"gfx_activity": 97, "umc_activity": 30})
    sample = card.read(UUID)
    assert (sample.util, sample.mem_util, sample.mem_mb) == (97.0, 30.0, 283.0)
    assert (sample.power_w, sample.power_now_w, sample.temp_c) == (138.0, 138.0, 41.0)
    assert (sample.sm_mhz, sample.mem_mhz, sample.energy_j) == (132.0, 900.0, pytest.approx(153.0))
    assert (card.free_mb(UUID), card.max_sm_mhz(UUID)) == (196309, 2100)


def test_a_card_for_games_tells_a_mean_of_power_and_no_energy():
    sample = smi(radeon(), energy_count=None).read(UUID)
    assert (sample.power_w, sample.power_now_w, sample.energy_j, sample.temp_c) == (19.0, None, None, 44.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gpu_activity": {"gfx_activity": "N/A", "umc_activity": "N/A"}}, "util"),
        ({"power_info": {"socket_power": 65535, "current_socket_power": "N/A"}}, "power_w"),
        ({"temp_metric hotspot": None}, "temp_c"),
        ({"clock_info gfx": {"clk": 2**32 - 1}}, "sm_mhz"),
        ({"gpu_vram_usage": None}, "mem_mb"),
    ],
)
def test_what_is_absent_or_impossible_stays_absent(changes, field):
    sample = smi(mi300x(), energy_count=None, **changes).read(UUID)
    assert getattr(sample, field) is None
    assert sample.throttle is None and sample.xids is None


def test_degrees_of_older_libraries_are_thousandths():
    assert smi(mi300x(), energy_count=None, **{"temp_metric hotspot": 41_000}).read(UUID).temp_c == 41.0


def test_a_card_of_which_nothing_answers_is_lost():
    card = smi(mi300x())
    card._b.card = {}
    with pytest.raises(GpuLost, match="reads nothing of it"):
        card.read(UUID)
    with pytest.raises(GpuLost, match="AMD-another"):
        card.read("AMD-another")


def test_processes_are_told_with_the_cards_memory_or_not_at_all():
    row = {"pid": os.getpid(), "mem": 9, "memory_usage": {"vram_mem": 2**30}}
    assert smi(mi300x(), gpu_process_list=[row, {"pid": 8}]).processes(UUID) == [(os.getpid(), 1024.0), (8, None)]
    assert smi(mi300x(), gpu_process_list=[]).processes(UUID) == []
    assert smi(mi300x(), gpu_process_list=None).processes(UUID) is None


def test_what_amds_driver_has_not_is_nothing_and_no_error():
    card = smi(mi300x())
    assert (card.finer(UUID), card.events(UUID), card.buffered(UUID, 5)) == (None, None, ([], 5))
