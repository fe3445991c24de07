"""Samples as columns: peaks and rates, and what they are where readings are absent."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.model import Sample
from orchestrator.results.samples import NUMBERS, WORDS, Readings


def test_rates_are_linear_between_readings_and_none_outside():
    samples = [Sample(t=10.0, device="d", cpu_s=5.0), Sample(t=0.0, device="d", cpu_s=0.0), Sample(t=5.0, device="d")]
    readings = Readings.of(samples)  # in no order, and one without a reading
    assert readings.growth("cpu_s", 2, 4) == pytest.approx(0.5)
    assert readings.growth("cpu_s", -5, 100) == pytest.approx(0.5)
    assert readings.growth("cpu_s", 20, 30) is None
    assert Readings.of(samples[:1]).growth("cpu_s", 2, 4) is None
    assert (readings.peak("cpu_s"), readings.peak("rss_mb"), Readings.of([]).peak("rss_mb")) == (5.0, None, None)


def test_every_field_of_a_sample_is_a_number_or_a_word():
    assert {*NUMBERS, *WORDS} == set(Sample.__struct_fields__)
    assert WORDS == ("device",)


def test_absent_readings_are_nan_and_equal_words_are_kept_once():
    readings = Readings.of([Sample(t=1.0, device="a", rss_mb=2.0), Sample(t=2.0, device="a")])
    assert readings.words == {"device": ["a"]}
    assert readings.numbers["rss_mb"][0] == 2.0
    assert math.isnan(readings.numbers["rss_mb"][1])
    assert Readings.of([Sample(t=1.0, device="a"), Sample(t=2.0, device="b")]).words == {"device": ["a", "b"]}


def test_what_are_columns_already_is_left_alone():
    readings = Readings.of([Sample(t=1.0, device="a")])
    assert Readings.of(readings) is readings
    assert np.array_equal(readings.numbers["t"], [1.0])
