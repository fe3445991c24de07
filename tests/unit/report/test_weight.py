"""How heavy a page is: bytes of made-up runs, which do not depend on the host."""

from __future__ import annotations

import pytest

from orchestrator.report.build import build_report
from tests.fakes.made_up import on_gpu, recorded
from tests.unit.report.makers import draw_nothing

MB = 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize(("repeats", "epochs", "most"), [(3, 5, 0.6 * MB), (15, 12, 1.5 * MB)])
def test_a_page_of_many_jobs_is_light(monkeypatch, repeats, epochs, most):
    """105 and 525 jobs: 7 contenders, 5 models. With Vega they had 4.4 and 16.2 MB."""
    draw_nothing(monkeypatch)
    made = build_report(recorded(repeats=repeats, epochs=epochs))
    assert len(made.pictures) >= 8 and len(made.html.encode()) < most


@pytest.mark.slow
def test_readings_of_gpus_are_thinned(monkeypatch):
    draw_nothing(monkeypatch)
    made = build_report(on_gpu(recorded(repeats=3, device="gpu")))
    assert {"gpu", "inside-gpu"} <= set(made.pictures) and len(made.html.encode()) < 1.0 * MB
