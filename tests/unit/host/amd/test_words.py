"""What a binding says where there is nothing is no figure."""

from __future__ import annotations

import pytest

from orchestrator.host.amd.words import energy_j, memory_mb, number, text


@pytest.mark.parametrize("told", [None, "N/A", [], {}, {"x": "N/A"}, {"x": None}, {"x": True}, {"x": 2**32 - 1}])
def test_what_is_absent_is_no_number_and_no_text(told):
    assert number(told, "x") is None
    assert text(told, "x") == ""


def test_the_first_field_that_is_there_counts():
    assert number({"clk": "N/A", "cur_clk": 132}, "clk", "cur_clk") == 132.0
    assert number({"x": 0}, "x") == 0.0


@pytest.mark.parametrize("key", ["energy_accumulator", "power"])
def test_energy_is_a_count_of_units(key):
    """AMD's own tool showed 1.004 J for a count of 65628 of 15.3 µJ."""
    assert energy_j({key: 65628, "counter_resolution": 15.3}) == pytest.approx(1.004, abs=1e-3)
    assert energy_j({key: 65628, "counter_resolution": 0.0}) is None


def test_memory_of_a_process_is_the_cards_own():
    assert memory_mb({"mem": 1, "memory_usage": {"gtt_mem": 5, "vram_mem": 3 * 2**20}}) == 3.0
    assert memory_mb({"pid": 7}) is None
