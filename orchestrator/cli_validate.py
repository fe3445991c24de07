"""`orchestrate validate`: the same thing against itself, and a planted slowdown, simulated and on real repeats."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from orchestrator.cli_options import JSON, percent
from orchestrator.cli_results import FOLDER
from orchestrator.errors import UserError

if TYPE_CHECKING:
    from orchestrator.selftest import Noise, Rates

#: Assumed where neither runs nor figures are given; a quiet host. Not a measurement.
DEFAULT_NOISE = {"between": 0.01, "within": 0.02, "epochs": 3}
REPEATS = (3, 4, 5, 6, 7, 8, 10)


@click.command()
@click.argument("runs", nargs=-1, type=FOLDER)
@click.option("--between", type=percent, metavar="1%", help="Noise of repeats around their cell (standard deviation).")
@click.option("--within", type=percent, metavar="2%", help="Noise of epochs around their repeat.")
@click.option("--epochs", type=click.IntRange(2), help="Steady epochs of a repeat.")
@click.option("--repeats", type=click.IntRange(2), default=5, show_default=True, help="The protocol to be judged.")
@click.option("--comparisons", type=click.IntRange(1), default=1, show_default=True, help="Verdicts in one report.")
@click.option("--slowdown", type=percent, default=0.05, show_default="5%", help="What is planted.")
@click.option("--experiments", type=click.IntRange(50), default=1000, show_default=True, help="Simulated per line.")
@JSON
def validate(runs: Sequence[Path], as_json: bool, **given: Any) -> None:
    """Do the verdicts keep their promise? False ones at most 5 %, a planted slowdown found in 9 of 10.

    Simulated at the noise of the RUNS (or as given), and where a cell has four repeats or more also on the real
    repeats: dealt into two halves, they are one image under two names. Exit 1: the promise is not kept at --repeats.

    \b
    Examples:
      orchestrate run --workload mnist_mlp --stack keras3-jax --repeats 10
      orchestrate validate results/latest
      orchestrate validate --between 1% --within 2% --comparisons 6
    """
    from orchestrator.selftest import repeats_needed, simulate, split_halves

    cells = _cells(runs)
    noise = _noise(cells, given)
    common = {k: given[k] for k in ("comparisons", "slowdown", "experiments")}
    numbers = sorted({*REPEATS, given["repeats"]})
    normal = [simulate(noise, n, **common) for n in numbers]
    tails = simulate(noise, given["repeats"], tails=True, **common)
    judged = next(rates for rates in normal if rates.repeats == given["repeats"])
    real = split_halves(cells, given["slowdown"])
    needed = repeats_needed(normal)
    kept = all(rates.false <= 0.05 + 2 * rates.error for rates in (judged, tails)) and judged.found >= 0.9
    if as_json:
        document = {"noise": noise, "simulated": normal, "heavy_tails": tails, "real": real, "repeats_needed": needed}
        answer = msgspec.json.encode({**document, "kept": kept})
        sys.stdout.buffer.write(msgspec.json.format(answer, indent=1) + b"\n")
    else:
        for line in _lines(noise, normal, tails, real, needed, given):
            click.echo(line)
    raise SystemExit(0 if kept else 1)


def _cells(runs: Sequence[Path]) -> list[list[list[float]]]:
    """The repeats of every cell of the runs; rows that may not be averaged are never in one cell."""
    from orchestrator import sources
    from orchestrator.repeats import by_cell, repeats_of
    from orchestrator.resultset import DOER, WORK

    found = []
    for run in runs:
        source = sources.read(run)
        good = [row for row in source.rows if row["status"] == "ok" and row["epoch_s"]]
        found += [repeats_of(rows, source.steady) for rows in by_cell(good, (*WORK, *DOER)).values()]
    return found


def _noise(cells: Sequence[Any], given: dict[str, Any]) -> Noise:
    from orchestrator.selftest import Noise, noise_of  # these bring numpy along, which `--help` need not wait for

    given_noise = msgspec.convert(DEFAULT_NOISE, Noise)
    noise = noise_of(cells) if cells else given_noise
    if noise is None:
        if given["between"] is None or given["within"] is None:
            raise UserError("no cell of these runs has two repeats of two steady epochs", "give --between and --within")
        noise = given_noise
    changes = {name: given[name] for name in ("between", "within", "epochs") if given[name] is not None}
    return msgspec.structs.replace(noise, **changes)


def _lines(
    noise: Noise, normal: list[Rates], tails: Rates, real: Rates | None, needed: int | None, given: dict[str, Any]
) -> list[str]:
    origin = f"median of {noise.cells} cells" if noise.cells else "given"
    slowdown = f"{100 * given['slowdown']:g} %"
    lines = [
        f"noise ({origin}): {100 * noise.between:.2f} % between repeats, {100 * noise.within:.2f} % between the "
        f"{noise.epochs} steady epochs of one; {given['comparisons']} comparisons in a report, "
        f"{given['experiments']} experiments per line",
        f"repeats  false verdicts  {slowdown} slowdown found",
    ]
    lines += [f"{r.repeats:7}  {_share(r.false, r.experiments):14}  {_share(r.found, r.experiments)}" for r in normal]
    lines.append(
        f"with many outliers (Student's t, 3 degrees of freedom), {tails.repeats} repeats: false "
        f"{_share(tails.false, tails.experiments)}, found {_share(tails.found, tails.experiments)}"
    )
    if real:
        lines.append(
            f"real repeats dealt into halves of at least {real.repeats}, {real.experiments} deals: false "
            f"{100 * real.false:.1f} %, {slowdown} slowdown found {100 * real.found:.1f} %"
        )
    lines.append(
        f"a slowdown of {slowdown} is found in 9 of 10 cases from {needed} repeats on"
        if needed
        else f"even {normal[-1].repeats} repeats do not find {slowdown} in 9 of 10 cases: use a quieter host"
    )
    return lines


def _share(value: float, count: int) -> str:
    """With the standard error of a share seen in `count` experiments."""
    return f"{100 * value:.1f} ± {100 * math.sqrt(max(value * (1 - value), 0.25 / count) / count):.1f} %"
