"""`orchestrate compare`: the same cells in two runs."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.console import tell_document
from orchestrator.cli.options import FOLDER, JSON, command, percent
from orchestrator.errors import UserError

FORMATS = ("text", "markdown", "json", "junit", "github-action-benchmark")


@command()
@click.argument("first", type=FOLDER)
@click.argument("second", type=FOLDER, required=False)
@click.option(
    "--along",
    metavar="AXIS",
    help="Compare the values of a setting that was varied, each with the first; SECOND is not needed.",
)
@click.option(
    "--threshold",
    type=percent,
    metavar="5%",
    help="Exit 1 if a cell is slower by more than this, beyond noise, or could not be judged.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Output format.")
@JSON
def compare(
    first: Path, second: Path | None, along: str | None, threshold: float | None, form: str, as_json: bool
) -> None:
    """Compare two runs, cell by cell.

    Seconds per epoch of the same cells in two runs or merged sets.

    For example a release with a change, or one launcher with another. With --threshold, a cell that no longer runs or
    no longer learns counts as a regression, too. A cell that both should have measured and that cannot be judged (other
    scripts, other data, one repeat) is exit 1 as well, and so is a comparison of nothing.

    With --along, the values of a setting that `run --vary` varied are compared, of one run or of two together: each
    with the first, the other settings held fixed (docs/SWEEPS.md).

    \b
    Examples:
      orchestrate compare results/20261122-101500-1a2b results/latest
      orchestrate compare results/main results/change --threshold 5%
      orchestrate compare results/main results/change --format markdown
      orchestrate compare results/latest --along batch_size
    """
    if second is None and along is None:
        raise UserError("SECOND is missing", "or --along AXIS, for the values of a setting within FIRST")
    from orchestrator.cli.comparison import compared, compared_along, comparison_text  # numpy and DuckDB come along
    from orchestrator.report import comparison
    from orchestrator.stats.compare import overall, passes

    if along:
        ratios = compared_along([each for each in (first, second) if each], along)
    else:
        assert second is not None
        ratios = compared(first, second)
    write = comparison.FORMATS.get("json" if as_json else form, comparison_text)
    tell_document(write(ratios, threshold).rstrip("\n"))
    red = overall(ratios) is None or (threshold is not None and not passes(ratios, threshold))
    raise SystemExit(1 if red else 0)
