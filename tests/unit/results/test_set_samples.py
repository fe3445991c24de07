"""The samples of a set: every reading as it was, whatever was read and however many at a time."""

from __future__ import annotations

import duckdb
import pytest

from orchestrator.model import Sample
from orchestrator.results import set_samples
from orchestrator.results.samples import Readings
from orchestrator.results.set_samples import SetSamples


@pytest.mark.parametrize("chunk", [1, 5, 500_000])
def test_samples_of_any_words_are_kept_reading_by_reading(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(set_samples, "CHUNK", chunk)

    def samples(*devices):
        return [Sample(t=float(i), device=name, cpu_s=None if i % 2 else 1.5) for i, name in enumerate(devices)]

    given = {"a": samples("cpu", "cpu"), "b": samples("it's", "", "cpu", 'x"\\'), "c": samples("cpu")}
    with SetSamples(tmp_path / "samples") as table:
        for job, its in given.items():
            table.add("run", job, Readings.of(its))
    read = duckdb.sql(f"select job_id, t, device, cpu_s from '{tmp_path}/samples/*.parquet' order by all").fetchall()
    assert read == [(job, s.t, s.device, s.cpu_s) for job, its in given.items() for s in its]
