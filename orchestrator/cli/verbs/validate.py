"""`orchestrate validate`: the same thing against itself, and a planted slowdown, simulated and on real repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from orchestrator.cli.console import tell_document
from orchestrator.cli.options import FOLDER, JSON, bound, command, percent
from orchestrator.cli.options.values import Number
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, paragraph, table
from orchestrator.errors import UserError

#: As `stats.steps` has it, which loads numpy; a test compares them.
LEAST_NIGHTS = 8

if TYPE_CHECKING:
    from orchestrator.stats.validate import Noise, Rates, RealRates


#: Assumed where neither runs nor figures are given; a quiet host. Not a measurement.
DEFAULT_NOISE = {"between": 0.01, "within": 0.02, "epochs": 3}
REPEATS = (3, 4, 5, 6, 7, 8, 10)
#: Tried in turn on a host on which none of those finds the slowdown, until one does.
MORE_REPEATS = (12, 14, 16, 20, 25, 30, 40)


@command()
@click.argument("runs", nargs=-1, type=FOLDER)
@click.option(
    "--between",
    type=percent,
    metavar="1%",
    help="Noise between repeats of a cell (standard deviation).  [default: of RUNS, else 1%]",
)
@click.option(
    "--within", type=percent, metavar="2%", help="Noise between epochs of a repeat.  [default: of RUNS, else 2%]"
)
@click.option("--epochs", type=Number(2, 1000), help="Steady epochs per repeat.  [default: of RUNS, else 3]")
@click.option(
    "--repeats",
    type=Number(2, 1000),
    default=5,
    show_default=True,
    help="Repeats per cell of the protocol to judge.",
)
@click.option("--until", type=bound, metavar="2%", help="Judge `run --until` with this value, instead of --repeats.")
@click.option(
    "--contenders",
    type=Number(2, 100),
    default=2,
    show_default=True,
    help="Contenders in each row of a simulated report.",
)
@click.option("--rows", type=Number(1, 100), default=1, show_default=True, help="Rows of a simulated report.")
@click.option("--slowdown", type=percent, default=0.05, show_default="5%", help="Simulated slowdown to detect.")
@click.option(
    "--experiments",
    type=Number(50, 100_000),
    default=2000,
    show_default=True,
    help="Simulated reports per line of the answer.",
)
@click.option(
    "--nights",
    type=Number(LEAST_NIGHTS, 2000),
    help="Judge `trend` instead: steps in trends of so many nights.",
)
@click.option("--lines", type=Number(1, 500), default=1, show_default=True, help="Cells of a simulated trend.")
@click.option(
    "--nightly",
    type=percent,
    metavar="1%",
    help="Noise between nights (standard deviation).  [default: of RUNS, else 1%]",
)
@JSON
def validate(runs: Sequence[Path], as_json: bool, **given: Any) -> None:
    """Check how reliable verdicts are at some noise.

    Asked: false verdicts in at most 5 % of reports, and a real slowdown found in 9 of 10.

    With --nights: a false step in at most 5 % of trends, and which steps are found after how many nights.

    Simulates reports at the noise of RUNS (or as given), in four shapes of noise. Where a cell has four repeats or
    more, its real repeats are also dealt to two names, as if one image had run under two names: any difference found
    is false. Exit 1: the check fails at --repeats, or with --until.

    \b
    Examples:
      orchestrate run --workload mnist_mlp --stack 'keras3-*' --repeats 10
      orchestrate validate results/latest
      orchestrate validate results/latest --until 2%
      orchestrate validate --between 1% --within 2% --contenders 6
      orchestrate validate --nights 30 --lines 15 results
    """
    if given["nights"] is not None:
        from orchestrator.cli.step_rates import validate_steps  # numpy comes along

        raise SystemExit(validate_steps(runs, as_json, given))
    from orchestrator.stats.validate import SHAPES, deal_pairs, repeats_needed, simulate

    cells = _cells(runs)
    noise = _noise(cells, given)
    common = {k: given[k] for k in ("contenders", "rows", "slowdown", "experiments")}
    even: list[Rates] = []
    for n in sorted({*REPEATS, *MORE_REPEATS, given["repeats"]}):
        if n in (*REPEATS, given["repeats"]) or repeats_needed(even) is None:
            even.append(simulate(noise, n, **common))
    if given["until"] is None:
        protocol = {"repeats": given["repeats"]}
        judged = next(rates for rates in even if rates.repeats == given["repeats"])
    else:
        protocol = {"bound": given["until"]}
        judged = simulate(noise, **protocol, **common)
    shapes = [judged, *(simulate(noise, **protocol, shape=shape, **common) for shape in SHAPES[1:])]
    real = deal_pairs(cells, given["slowdown"])
    needed = repeats_needed(even)
    kept = all(rates.false <= 0.05 + 2 * rates.error for rates in shapes) and judged.found >= 0.9
    if as_json:
        document = {"noise": noise, "simulated": even, "shapes": shapes, "real": real, "repeats_needed": needed}
        print_json({**document, "kept": kept})
    else:
        tell_document("\n".join(_lines(noise, even, shapes, real, needed, given)))
    raise SystemExit(0 if kept else 1)


def _cells(runs: Sequence[Path]) -> list[list[list[float]]]:
    """The repeats of every cell of the runs; rows that may not be averaged are never in one cell."""
    from orchestrator.results.merged_set import group
    from orchestrator.results.source import read_source
    from orchestrator.stats.repeats import by_cell, repeats_of, timed

    found = []
    for run in runs:
        source = read_source(run)
        cells = by_cell([{**row, "group": group(row)} for row in timed(source.rows)], ["group"])
        found += [repeats_of(rows, source.steady) for rows in cells.values()]
    return found


def _noise(cells: Sequence[Any], given: dict[str, Any]) -> Noise:
    from orchestrator.stats.validate import Noise, noise_of  # these bring numpy along, which `--help` need not wait for

    given_noise = msgspec.convert(DEFAULT_NOISE, Noise)
    noise = noise_of(cells) if cells else given_noise
    if noise is None:
        if given["between"] is None or given["within"] is None:
            raise UserError("no cell of these runs has two repeats of two steady epochs", "give --between and --within")
        noise = given_noise
    changes = {name: given[name] for name in ("between", "within", "epochs") if given[name] is not None}
    return msgspec.structs.replace(noise, **changes)


def _lines(
    noise: Noise,
    even: list[Rates],
    shapes: list[Rates],
    real: RealRates | None,
    needed: int | None,
    given: dict[str, Any],
) -> list[str]:
    origin = f"median of {noise.cells} cells" if noise.cells else "given"
    slowdown = f"{100 * given['slowdown']:g} %"
    said = [
        f"noise ({origin}): {100 * noise.between:.2f} % between repeats, {100 * noise.within:.2f} % between the "
        f"{noise.epochs} steady epochs of one",
        f"reports of {given['rows']} × {given['contenders']}, each against the fastest of its row; "
        f"{given['experiments']:,} experiments per line",
    ]
    heads = [Column("false verdicts", "figure"), Column(f"{slowdown} slowdown found", "figure")]
    rows = [[f"{r.repeats}", _share(r.false, r.experiments), _share(r.found, r.experiments)] for r in even]
    lines = [*_wrapped(said), "", *table([Column("repeats"), *heads], rows), ""]
    lines += [*_wrapped([_protocol(shapes[0])]), "", *_shape_table(shapes, heads), ""]
    lines += [*_wrapped(_real(real, slowdown)), ""] if real else []
    ending = (
        f"a slowdown of {slowdown} is found in 9 of 10 cases from {needed} repeats on"
        if needed
        else f"even {even[-1].repeats} repeats do not find {slowdown} in 9 of 10 cases: use a quieter host"
    )
    return [*lines, *_wrapped([ending])]


def _wrapped(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in paragraph(text)]


def _protocol(judged: Rates) -> str:
    how = f"{judged.repeats} repeats" if judged.until is None else f"until ±{100 * judged.until:g} %"
    return f"the protocol, {how}, at noise of the same size in every shape"


def _shape_table(shapes: list[Rates], heads: Sequence[Column]) -> list[str]:
    rows = [
        [
            r.shape,
            _share(r.false, r.experiments),
            _share(r.found, r.experiments),
            "" if r.until is None else f"{r.repeats}",
        ]
        for r in shapes
    ]
    return table([Column("noise"), *heads, Column("repeats taken (median)", "figure")], rows)


def _real(real: RealRates, slowdown: str) -> list[str]:
    error = "" if real.false_error is None else f" ± {100 * real.false_error:.1f}"
    return [
        f"real repeats of {real.cells} cells dealt to two names, {real.repeats} repeats or more each, {real.deals} "
        f"deals: false {100 * real.false:.1f}{error} % (± over cells), {slowdown} slowdown found "
        f"{100 * real.found:.1f} %",
        f"one deal of each cell, drawn at random: {real.one_deal} false of {real.cells}",
    ]


def _share(value: float, count: int) -> str:
    """With the standard error of a share seen in `count` experiments."""
    return f"{100 * value:.1f} ± {100 * math.sqrt(max(value * (1 - value), 0.25 / count) / count):.1f} %"
