"""The part of `orchestrate validate` that judges trends: false steps, and which real ones are found."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.cli.console import tell_document
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, paragraph, table
from orchestrator.errors import UserError
from orchestrator.history.nights import read_nights
from orchestrator.history.trend import trend
from orchestrator.plan.catalog import load_catalog
from orchestrator.stats.step_rates import NIGHT_MEMORY, Planted, StepRates, simulate_steps
from orchestrator.stats.steps import night_noise
from orchestrator.stats.validate import SHAPES

#: Assumed where neither runs nor a figure are given. Not a measurement.
DEFAULT_NOISE = 0.01
AFTER = (2, 3, 5, 10)
#: Sizes of steps that are tried, in units of the noise between nights; and always the slowdown that is asked for.
SIZES = (2, 3, 5)
#: Columns behind the size of a step.
FOUND = ("nights from it on", "found", "with the right night")


def validate_steps(runs: Sequence[Path], as_json: bool, given: Mapping[str, Any]) -> int:
    """Print the rates; exit code 1 where a shape of independent nights has more false steps than promised."""
    noise, origin = _noise(runs, given["nightly"])
    nights, lines, experiments = given["nights"], given["lines"], given["experiments"]
    sizes = sorted({*(round(noise * size, 4) for size in SIZES), given["slowdown"]})
    after = [count for count in AFTER if count <= nights // 2]
    plants = [Planted(size=size, after=count) for size in sizes for count in after]
    rates = simulate_steps(noise, nights, lines, plants, experiments)
    shapes = [rates, *(simulate_steps(noise, nights, lines, [], experiments, shape) for shape in SHAPES[1:])]
    kept = all(each.false <= 0.05 + 2 * each.error for each in shapes if each.shape != "wandering")
    if as_json:
        print_json({"noise": noise, "shapes": shapes, "kept": kept})
    else:
        tell_document("\n".join(_lines(f"noise between nights ({origin}): {100 * noise:.2f} %", shapes)))
    return 0 if kept else 1


def _noise(runs: Sequence[Path], given: float | None) -> tuple[float, str]:
    if given is not None or not runs:
        return (DEFAULT_NOISE if given is None else given), "given"
    found = trend(read_nights(runs, load_catalog()))
    known = [night_noise([math.log(point.seconds) for point in line.points]) for line in found.lines]
    noises = [noise for noise in known if noise is not None]
    if not noises:
        raise UserError("no cell of these runs has three nights", "give --nightly")
    return statistics.median(noises), f"median of {len(noises)} lines"


def _lines(noise: str, shapes: Sequence[StepRates]) -> list[str]:
    first = shapes[0]
    asked = (
        f"trends of {first.lines} × {first.nights} nights, {first.experiments:,} experiments per line of the answer; "
        f"wandering noise (a night keeps {100 * NIGHT_MEMORY:.0f} % of the last one's deviation) is not promised"
    )
    false = [[each.shape, _share(each.false, each.experiments)] for each in shapes]
    found = [
        [
            f"{100 * plant.size:.1f} %",
            str(plant.after),
            _share(seen, first.experiments),
            _share(right, first.experiments),
        ]
        for plant, seen, right in zip(first.planted, first.found, first.right, strict=True)
    ]
    return [
        *paragraph(noise),
        *paragraph(asked),
        "",
        *table([Column("noise"), Column("trends with a false step", "figure")], false),
        "",
        *table([Column("step"), *(Column(head, "figure") for head in FOUND)], found),
    ]


def _share(value: float, count: int) -> str:
    return f"{100 * value:.1f} ± {100 * math.sqrt(max(value * (1 - value), 0.25 / count) / count):.1f} %"
