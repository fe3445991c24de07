"""Charts: seconds per epoch, convergence, use of the host and of GPUs. They lie beside the Markdown twin as files."""

from __future__ import annotations

from orchestrator.report import charts, charts_gpu
from orchestrator.report.blocks import Chart, Paragraphs, Section
from orchestrator.report.view import View

HINT = (
    "Bars reach to the median; each tick is one epoch. In the curves thick lines are medians over repeats, thin ones "
    "single repeats; dotted lines are what counts as learning and what guessing reaches, where they are in sight. A "
    "backend keeps its colour everywhere; dashes and marks tell its versions apart. On GPU timelines dashed lines are "
    "the beginnings of epochs and the end of the last, red ticks are moments in which the card was throttled."
)


def build(view: View) -> Section | None:
    if not view.drawable:
        return None
    specs = {
        **charts.charts(view.layout, view.epochs, view.samples),
        **charts_gpu.timelines(view.layout, view.gpu, view.marks),
    }
    if not specs:
        return None
    drawn = [Chart(name, title, spec, only="html") for name, (title, spec) in specs.items()]
    return Section(name="charts", title="Charts", blocks=[*drawn, Paragraphs([], hint=HINT, only="html")])
