"""The environment is in both twins; Markdown has the command here, the page has it above the jobs."""

from __future__ import annotations

from orchestrator.report.sections.environment import build
from tests.make import row
from tests.unit.report.makers import view_of


def test_the_environment_and_the_command():
    terms, command = build(view_of([row()], environment=[("host", "h")])).blocks
    assert (terms.texts[0], terms.only) == (("host", "h"), None)
    assert terms.texts[1][0] == "who tells the figures", "what no measurement of another's program can prevent"
    assert (command.texts, command.only) == ([("", "orchestrate run")], "markdown")
    assert len(build(view_of([row()], plan_command="")).blocks) == 1
