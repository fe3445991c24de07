"""Whatever this program says goes through the filters of text.py: there is no way around them."""

from __future__ import annotations

import ast

from tests.conftest import ROOT

PACKAGE = ROOT / "orchestrator"
#: Who may write to a stream of ours: what it says is filtered there, or stands in a program of its own.
MAY = {
    "cli/console.py": {"echo"},
    "cli/output.py": {"write"},  # the JSON document, whose letters are codes
    "executors/slurm/node.py": {"print", "write"},  # the log of a Slurm job, and the answer to its orchestrator
    "host/nvidia/cuda_child.py": {"print"},  # a program of its own: its answer is read by us
    "launchers/reaper.py": {"print"},
    "launchers/trial/script.py": {"print"},
    "stacks/found/script.py": {"write"},  # the probe of an environment: its answer is read by us
    "cli/__init__.py": {"write"},  # where our packages are not found
}
STREAMS = ("stdout", "stderr")


def writers(path):
    """The calls in a module that print: `print`, `click.echo`, `sys.stdout.write`, `sys.stdout.buffer.write`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("print", "click.echo", "click.secho", "echo", "secho"):
            yield called.rpartition(".")[2]
        elif called.endswith(".write") and any(f"sys.{stream}" in called for stream in STREAMS):
            yield "write"


def test_nothing_is_printed_past_the_filter():
    found = {str(path.relative_to(PACKAGE)): set(writers(path)) for path in PACKAGE.rglob("*.py")}
    assert {name: calls for name, calls in found.items() if calls} == MAY
