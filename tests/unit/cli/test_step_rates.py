"""`validate --nights` says how often steps are false, and which are found."""

from __future__ import annotations

import json

import pytest

from tests.fakes.nights import night


@pytest.mark.slow
def test_rates_are_told_for_every_shape_and_the_noise_may_come_from_runs(orchestrate, tmp_path):
    answer = orchestrate("validate", "--nights", "12", "--experiments", "50", "--nightly", "1%")
    assert answer.returncode == 0 and "noise between nights (given): 1.00 %" in answer.stdout
    assert all(shape in answer.stdout for shape in ("even", "outliers", "two states", "wandering"))
    for number in range(12):
        night(tmp_path / "results", number, {"jax": [1.0 + number % 2 / 100] * 2})
    document = orchestrate("validate", "results", "--nights", "12", "--experiments", "50", "--json").stdout
    found = json.loads(document)
    assert 0.005 < found["noise"] < 0.03 and found["shapes"][0]["false"] < 0.2 and found["kept"] is True
    assert "give --nightly" in orchestrate("validate", "--nights", "12", tmp_path).stderr
