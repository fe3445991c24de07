"""Does the verdict keep its promise? The same thing against itself, and a planted slowdown, many times. Pure.

False verdicts must be at most 5 %, however many comparisons stand together; a planted slowdown must be found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from orchestrator.inference import Repeats, difference, holm, logs

#: More ways than this to split the repeats of one cell into two halves are sampled, not listed.
MOST_SPLITS = 200
SEED = 2017


class Noise(Struct, frozen=True, kw_only=True):
    """Standard deviations of log seconds: of repeats around their cell, of epochs around their repeat.

    `cells` says how many cells it was taken from, 0 for given figures. `epochs` is the median number of steady epochs.
    """

    between: float
    within: float
    epochs: int = 3
    cells: int = 0


class Rates(Struct, frozen=True, kw_only=True):
    """Of `experiments`, the share with any false verdict, and the share in which the planted slowdown was found."""

    repeats: int
    comparisons: int
    experiments: int
    false: float
    found: float

    @property
    def error(self) -> float:
        """Standard error of `false` were it 5 %."""
        return math.sqrt(0.05 * 0.95 / self.experiments)


def noise_of(cells: Sequence[Repeats]) -> Noise | None:
    """The typical (median) noise of cells with at least two repeats of at least two steady epochs."""
    between, within, lengths = [], [], []
    for cell in cells:
        values = [epochs for epochs in logs(cell) if len(epochs) > 1]
        if len(values) < 2:
            continue
        spread = math.sqrt(float(np.mean([epochs.var(ddof=1) for epochs in values])))
        length = float(np.median([len(epochs) for epochs in values]))
        seen = float(np.var([np.median(epochs) for epochs in values], ddof=1))
        # What the epochs within a repeat already explain of its median is not a difference between repeats.
        between.append(math.sqrt(max(0.0, seen - spread**2 / length)))
        within.append(spread)
        lengths.append(length)
    if not between:
        return None
    return Noise(
        between=float(np.median(between)),
        within=float(np.median(within)),
        epochs=max(2, round(float(np.median(lengths)))),
        cells=len(between),
    )


def simulate(
    noise: Noise,
    repeats: int,
    *,
    comparisons: int = 1,
    slowdown: float = 0.05,
    experiments: int = 500,
    tails: bool = False,
) -> Rates:
    """`experiments` made-up reports of `comparisons` contenders against one baseline, all of them equal, and as
    many in which one is slower. With `tails` the noise is Student's t with 3 degrees of freedom: many outliers.
    """
    random = np.random.default_rng(SEED)
    false = found = 0
    for _ in range(experiments):
        base, *others = (_cell(random, noise, repeats, tails) for _ in range(comparisons + 1))
        false += any(d.significant for d in holm([difference(base, other, False) for other in others]))
        slow = [[second * (1 + slowdown) for second in epochs] for epochs in others[0]]
        first = holm([difference(base, other, False) for other in (slow, *others[1:])])[0]
        found += first.significant and first.ratio > 1
    return Rates(
        repeats=repeats,
        comparisons=comparisons,
        experiments=experiments,
        false=false / experiments,
        found=found / experiments,
    )


def split_halves(cells: Sequence[Repeats], slowdown: float = 0.05) -> Rates | None:
    """The repeats of each real cell dealt into two halves, as one image under two names. None without four repeats.

    Every deal counts as one experiment; those of one cell are not independent of one another.
    """
    false = found = count = smallest = 0
    for cell in cells:
        if len(cell) < 4:
            continue
        half = len(cell) // 2
        smallest = min(half, smallest or half)
        for chosen in _halves(len(cell), half):
            a = [cell[i] for i in chosen]
            b = [cell[i] for i in range(len(cell)) if i not in chosen]
            count += 1
            false += difference(a, b, False).significant
            slow = difference(a, [[second * (1 + slowdown) for second in epochs] for epochs in b], False)
            found += slow.significant and slow.ratio > 1
    if not count:
        return None
    return Rates(repeats=smallest, comparisons=1, experiments=count, false=false / count, found=found / count)


def repeats_needed(rates: Sequence[Rates], share: float = 0.9) -> int | None:
    """The fewest repeats from which on the slowdown is found in at least `share` of the experiments."""
    ranked = sorted(rates, key=lambda rate: rate.repeats)
    good = list(itertools.takewhile(lambda rate: rate.found >= share, reversed(ranked)))
    return good[-1].repeats if good else None


def _cell(random: np.random.Generator, noise: Noise, repeats: int, tails: bool) -> list[list[float]]:
    size = (repeats, noise.epochs)
    if tails:
        shift, jitter = (random.standard_t(3, n) / math.sqrt(3) for n in (repeats, size))
    else:
        shift, jitter = (random.standard_normal(n) for n in (repeats, size))
    values: list[list[float]] = np.exp(noise.between * shift[:, None] + noise.within * jitter).tolist()
    return values


def _halves(n: int, half: int) -> list[frozenset[int]]:
    if math.comb(n, half) <= MOST_SPLITS:
        return [frozenset(chosen) for chosen in itertools.combinations(range(n), half)]
    random = np.random.default_rng(SEED)
    return [frozenset(random.permutation(n)[:half].tolist()) for _ in range(MOST_SPLITS)]
