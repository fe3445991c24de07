"""When the processors' counters are read, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.host.rapl import NO_PACKAGE, Rapl
from orchestrator.measure import cpu_energy
from orchestrator.measure.cpu_energy import CpuMeter
from tests.unit.host.test_rapl import domain


def test_energy_is_counted_from_the_first_epoch_to_the_last(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    meter = CpuMeter(Rapl(tmp_path))
    assert meter.told() is None
    for joules, event in ((2, "start"), (3, "epoch_begin"), (4, "epoch_end"), (5, "epoch_begin"), (9, "epoch_end")):
        domain(tmp_path, "intel-rapl:0", "package-0", joules * 1_000_000)
        meter.hear({"event": event})
    domain(tmp_path, "intel-rapl:0", "package-0", 90_000_000)
    told = meter.told()
    assert told is not None and told.joules == 6.0 and told.begin_t is not None and told.begin_t <= (told.end_t or 0)


def test_a_long_epoch_is_read_within_so_that_no_end_of_a_counter_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_energy, "AT_LEAST_S", -1.0)
    domain(tmp_path, "intel-rapl:0", "package-0", 9_000_000, most=10_000_000)
    meter = CpuMeter(Rapl(tmp_path))
    meter.hear({"event": "epoch_begin"})
    for joules in (4, 9, 4, 9):
        domain(tmp_path, "intel-rapl:0", "package-0", joules * 1_000_000, most=10_000_000)
        meter.keep_up()
    meter.hear({"event": "epoch_end"})
    told = meter.told()
    assert told is not None and told.joules == 20.0


def test_why_nothing_is_known_is_told(tmp_path: Path) -> None:
    meter = CpuMeter(Rapl(tmp_path))
    meter.hear({"event": "epoch_begin"})
    told = meter.told()
    assert told is not None and (told.joules, told.trouble) == (None, NO_PACKAGE)
