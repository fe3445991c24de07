"""Charts: seconds per epoch, convergence, use of the host and of GPUs. They lie beside the Markdown twin as files."""

from __future__ import annotations

from orchestrator.report.blocks import Block, Chart, Paragraphs, Section
from orchestrator.report.view import View

HINT = (
    "Bars reach to the median; each tick is one epoch, a red one was disturbed, or the job slept in it. In the curves "
    "thick lines are medians over repeats, thin ones single repeats; dotted lines are what counts as learning and what "
    "guessing reaches, where they are in sight. A backend keeps its colour everywhere; dashes and marks tell its "
    "versions apart. On GPU timelines dashed lines are the beginnings of epochs and the end of the last, red ticks are "
    "moments in which the card was throttled."
)


def build(view: View) -> Section | None:
    drawn = view.drawn
    blocks: list[Block] = [Chart(name, picture.title, only="html") for name, picture in drawn.pictures.items()]
    if blocks:
        blocks.append(Paragraphs([], hint=HINT, only="html"))
    if drawn.lacking:
        blocks.insert(0, Paragraphs([("", text) for text in drawn.lacking], look="notices"))
    return Section(name="charts", title="Charts", blocks=blocks) if blocks else None
