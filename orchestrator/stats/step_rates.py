"""Checks the error rates of steps: families of series without any, and with one planted, many times.

Nights are simulated in the shapes of noise of `validate`, and judged by the functions that judge real ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from orchestrator.stats.steps import judge
from orchestrator.stats.validate import SEED, SHAPES

#: For `wandering`: the share of a night's deviation that the next one keeps.
NIGHT_MEMORY = 0.5


class Planted(Struct, frozen=True, kw_only=True):
    """A step of one series: its size as a share (0.05 is 5 % slower), and the nights from its first one on."""

    size: float
    after: int


class StepRates(Struct, frozen=True, kw_only=True):
    """Error rates in `experiments` simulated trends of `lines` series of `nights` nights each.

    `false` is the share of trends with any step where there is none. By planted step: `found` is the share in which its
    series had a step in its direction, `right` that in which the first night after it was named.
    """

    nights: int
    lines: int
    noise: float
    shape: str
    experiments: int
    false: float
    planted: list[Planted] = []
    found: list[float] = []
    right: list[float] = []

    @property
    def error(self) -> float:
        """Standard error of `false` were it 5 %."""
        return math.sqrt(0.05 * 0.95 / self.experiments)


def simulate_steps(
    noise: float, nights: int, lines: int, planted: Sequence[Planted], experiments: int, shape: str = SHAPES[0]
) -> StepRates:
    """Error rates of trends whose nights differ by `noise` (standard deviation of log seconds)."""
    random = np.random.default_rng(SEED)
    false, found, right = 0, [0] * len(planted), [0] * len(planted)
    for _ in range(experiments):
        series = noise * _nights(random, (lines, nights), shape)
        false += any(judged.steps for judged in judge(series.tolist()))
        for i, plant in enumerate(planted):
            at = nights - plant.after
            stepped = series.copy()
            stepped[0, at:] += math.log1p(plant.size)
            steps = [step for step in judge(stepped.tolist())[0].steps or () if step.slower == (plant.size > 0)]
            found[i] += bool(steps)
            right[i] += any(step.at == at for step in steps)
    return StepRates(
        nights=nights,
        lines=lines,
        noise=noise,
        shape=shape,
        experiments=experiments,
        false=false / experiments,
        planted=list(planted),
        found=[count / experiments for count in found],
        right=[count / experiments for count in right],
    )


def _nights(random: np.random.Generator, size: tuple[int, int], shape: str) -> np.ndarray:
    """Deviations of nights with a standard deviation of 1, shaped (lines, nights)."""
    if shape == "outliers":
        return np.asarray(random.standard_t(3, size) / math.sqrt(3))
    if shape == "two states":
        return np.asarray(0.9 * random.choice([-1.0, 1.0], size) + math.sqrt(1 - 0.81) * random.standard_normal(size))
    made = random.standard_normal(size)
    if shape == "wandering":
        for night in range(1, size[1]):
            made[:, night] = NIGHT_MEMORY * made[:, night - 1] + math.sqrt(1 - NIGHT_MEMORY**2) * made[:, night]
    return made
