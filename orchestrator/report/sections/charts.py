"""Pictures: speed, time, learning, cost, use of the host and of GPUs. They lie beside the Markdown twin as files."""

from __future__ import annotations

from orchestrator.report.blocks import Block, Chart, Paragraphs, Section
from orchestrator.report.view import View

HINT = (
    "A backend keeps its colour in all charts; marks and dashes tell its versions apart. Charts are also files beside "
    "this report, in the folder charts/."
)
#: These stand with their tables.
ELSEWHERE = ("years", "sweeps", "latency")


def build(view: View) -> Section | None:
    drawn = view.drawn
    others = {name: picture for name, picture in drawn.pictures.items() if name not in ELSEWHERE}
    blocks: list[Block] = [Chart(name, picture.title, only="html") for name, picture in others.items()]
    if blocks:
        blocks.append(Paragraphs([], hint=HINT, only="html"))
    if drawn.lacking:
        blocks.insert(0, Paragraphs([("", text) for text in drawn.lacking], look="notices"))
    return Section(name="charts", title="Charts", blocks=blocks) if blocks else None
