"""Figures have three digits and a unit; what was not measured is a dash."""

from __future__ import annotations

import datetime

import pytest

from orchestrator.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.10342, "0.103"), (1.5, "1.50"), (12.34, "12.3"), (1234.5, "1,234"), (0, "0"), (None, "–"),
     (float("nan"), "–"), (0.0000001, "0.000000"), (999.9, "1,000"), (9.996, "10.0"), (0.09996, "0.100"),
     (99.96, "100")],
)  # fmt: skip
def test_figures_have_three_digits(value, text):
    assert words.figure(value) == text


def test_units():
    assert words.seconds(1.5) == "1.50 s" and words.seconds(None) == "–"
    assert words.percent(187.2) == "187 %" and words.percent(None) == "–"
    assert words.megabytes(512) == "512 MiB" and words.megabytes(2048) == "2.0 GiB" and words.megabytes(None) == "–"
    assert words.share(0.98765) == "98.8 %" and words.share(None) == "–"
    assert words.ratio(1.5) == "1.50×" and words.ratio(12.34) == "12.3×" and words.ratio(9.996) == "10.0×"


@pytest.mark.parametrize("write", [words.seconds, words.percent, words.megabytes, words.share, words.figure])
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_absent(write, value):
    assert write(value) == words.measured(value, "W") == "–"


def test_a_span_that_reads_the_same_at_both_ends_is_one_figure():
    assert words.span(1.0, 1.0) == "1.00" and words.span(1, 2) == "1.00–2.00"


def test_only_several_values_have_a_spread():
    assert words.spread([0.97, 0.98, None, 0.975]) == "(0.970–0.980, n = 3)"
    assert words.spread([0.97]) == words.spread([]) == ""


def test_numbers_and_dates_in_sentences():
    assert (words.count(5), words.count(12), words.count(1200)) == ("five", "12", "1,200")
    assert words.date(datetime.date(2026, 5, 3)) == "3 May 2026"
