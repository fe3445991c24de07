"""GPM: two samples make a figure; tests/stubgpu/test_cases.py has it over the real binding."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.finer import METRICS, GpmReader, traffic
from orchestrator.host.nvidia.slices import Slice
from tests.fakes.nvml_binding import library, refuse


class Card:
    """GPM as a driver has it: samples that it allocates and are given back."""

    def __init__(self, monkeypatch):
        self.now, self.alive, self.asked = 100.0, 0, []
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        self.binding = library(
            c_nvmlGpmMetricsGet_t=lambda: SimpleNamespace(metrics=[SimpleNamespace() for _ in range(30)]),
            nvmlGpmQueryDeviceSupport=lambda card: SimpleNamespace(isSupportedDevice=1),
            nvmlGpmSampleAlloc=self.allocate,
            nvmlGpmSampleFree=self.free,
            nvmlGpmSampleGet=lambda card, sample: self.take(("card", card), sample),
            nvmlGpmMigSampleGet=lambda card, instance, sample: self.take(("slice", card, instance), sample),
            nvmlGpmMetricsGet=self.compare,
        )

    def allocate(self):
        self.alive += 1
        return SimpleNamespace()

    def free(self, sample):
        self.alive -= 1

    def take(self, what, sample):
        self.asked.append(what)
        sample.t = self.now
        return sample

    def compare(self, get):
        for metric in get.metrics[: get.numMetrics]:
            metric.nvmlReturn, metric.value = (0, get.sample2.t - get.sample1.t) if metric.metricId != 5 else (3, 0.0)
        return get


def test_each_figure_is_of_the_time_since_the_last_and_what_is_refused_is_absent(monkeypatch):
    card = Card(monkeypatch)
    reader = GpmReader(Driver(card.binding), "handle")
    assert reader.since_last("g") is None
    for seconds in (1.0, 0.5, 2.0):
        card.now += seconds
        sample = reader.since_last("g")
        assert (sample.t, sample.kind, sample.sm_active) == (card.now, "buffer", seconds)
        assert sample.tensor_active is None
    assert card.alive == 2, "memory is used again"
    reader.close()
    assert card.alive == 0


def test_two_looks_at_once_are_one(monkeypatch):
    card = Card(monkeypatch)
    reader = GpmReader(Driver(card.binding), "handle")
    reader.since_last("g")
    card.now += 0.05
    assert reader.since_last("g") is None
    assert len(card.asked) == 1


def test_of_a_slice_its_own_instance_is_asked(monkeypatch):
    card = Card(monkeypatch)
    GpmReader(Driver(card.binding), "part", Slice("part", "card", 7)).since_last("MIG-1")
    assert card.asked == [("slice", "card", 7)]
    assert not GpmReader(Driver(card.binding), "part", Slice("part", "card", None)).there


@pytest.mark.parametrize("missing", ["nvmlGpmQueryDeviceSupport", "c_nvmlGpmMetricsGet_t"])
def test_a_binding_or_card_without_it_has_nothing(monkeypatch, missing):
    binding = Card(monkeypatch).binding
    delattr(binding, missing)
    assert not GpmReader(Driver(binding), "handle").there


@pytest.mark.parametrize("fails", ["nvmlGpmSampleAlloc", "nvmlGpmSampleGet", "nvmlGpmMetricsGet"])
def test_a_driver_that_fails_at_it_tells_nothing(monkeypatch, fails):
    card = Card(monkeypatch)
    setattr(card.binding, fails, refuse(999))
    reader = GpmReader(Driver(card.binding), "handle")
    for _ in range(3):
        assert reader.since_last("g") is None
        card.now += 1
    assert card.alive <= 2


def test_traffic_is_in_mebibytes():
    told = traffic(Driver(library(nvmlDeviceGetPcieThroughput=lambda handle, way: [2048, 512][way])), "handle")
    assert told == {"pcie_sent_mib_s": 2.0, "pcie_received_mib_s": 0.5}
    assert traffic(Driver(library()), "handle") == {}
    assert len({*METRICS.values()}) == len(METRICS)
