"""Where the figures come from, and how to get them again."""

from __future__ import annotations

from orchestrator.report.blocks import Block, Paragraphs, Section
from orchestrator.report.view import View

#: How to take the figures: what no measurement of another's program can prevent.
METHOD = (
    "A job tells its own times, accuracies, data hash and end; memory, processor and GPU are read from outside. A "
    "workload or framework that lies about itself is believed."
)


def build(view: View) -> Section:
    report = view.report
    blocks: list[Block] = [Paragraphs([*report.environment, ("who tells the figures", METHOD)], "terms")]
    if report.plan_command:  # the page has it above the jobs
        blocks.append(Paragraphs([("", report.plan_command)], "code", only="markdown"))
    return Section(name="environment", title="Environment, and how to run it again", blocks=blocks)
