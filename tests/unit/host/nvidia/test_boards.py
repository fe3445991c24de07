"""GPUs on one board."""

from __future__ import annotations

from orchestrator.host.nvidia.boards import shared
from orchestrator.host.nvidia.driver import Driver
from tests.fakes.nvml_binding import library

BOARDS = {"a": 1, "b": 1, "c": 2, "d": 1, "e": 3, "f": 3}


def test_those_that_share_a_board_are_named_by_its_first():
    driver = Driver(library(nvmlDeviceOnSameBoard=lambda one, two: one == two))
    assert shared(driver, BOARDS) == {"a": "a", "b": "a", "d": "a", "e": "e", "f": "e"}


def test_where_nobody_tells_each_has_its_own():
    assert shared(Driver(library()), BOARDS) == {}
