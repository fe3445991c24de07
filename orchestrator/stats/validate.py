"""Checks the error rates of verdicts: comparisons of equal things, and of one with a planted slowdown, many times.

Between equal things at most 5 % of verdicts may be false, however many comparisons stand together; a planted slowdown
must be found. Times are simulated, or taken from recorded repeats.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from orchestrator.stats import stopping_rule
from orchestrator.stats.inference import Difference, Repeats, difference, half_width, holm, logs

SEED = 2017
#: How noise may be shaped. `even`: normal. `outliers`: Student's t, 3 degrees of freedom. `two states`: each process is
#: fast or slow from its start to its end. `wandering`: the host drifts, so what runs together in time is slow together.
SHAPES = ("even", "outliers", "two states", "wandering")
#: For `wandering`: the share of a deviation that is left one job later, and one epoch later.
JOB_MEMORY, EPOCH_MEMORY = 0.9, 0.5
#: The repeats after which a simulated `--until` gives up, as a run does when its budget is spent.
MOST_REPEATS = 60


class Noise(Struct, frozen=True, kw_only=True):
    """Standard deviations of log seconds: `between` repeats of a cell, and `within` a repeat between its epochs.

    `cells` is the number of cells that it was taken from, 0 for given figures. `epochs` is the median number of steady
    epochs.
    """

    between: float
    within: float
    epochs: int = 3
    cells: int = 0


class Rates(Struct, frozen=True, kw_only=True):
    """Error rates in `experiments` simulated reports.

    `false` is the share of reports with any false verdict, `found` the share in which the planted slowdown was found.
    `repeats` is the number of repeats of every cell; with a bound `until` the median number that a task took.
    """

    repeats: int
    contenders: int
    rows: int
    shape: str
    experiments: int
    false: float
    found: float
    until: float | None = None

    @property
    def error(self) -> float:
        """Standard error of `false` were it 5 %."""
        return math.sqrt(0.05 * 0.95 / self.experiments)


class RealRates(Struct, frozen=True, kw_only=True):
    """Error rates where the repeats of recorded cells were dealt into two groups. Each cell counts once.

    `false` and `found` are means over cells, `false_error` the standard error of the first over cells (None for one);
    `one_deal` counts the cells in which a single deal, drawn at random, gave a false verdict.
    """

    cells: int
    repeats: int
    deals: int
    false: float
    false_error: float | None
    found: float
    one_deal: int


def noise_of(cells: Sequence[Repeats]) -> Noise | None:
    """The median noise of those cells that have two repeats of two steady epochs or more; None where none has."""
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
    repeats: int = MOST_REPEATS,
    *,
    bound: float | None = None,
    contenders: int = 2,
    rows: int = 1,
    slowdown: float = 0.05,
    experiments: int = 500,
    shape: str = "even",
) -> Rates:
    """Error rates in `experiments` simulated reports of `rows` tasks on `contenders` that are all equal.

    Each is judged as a report judges: every contender against the fastest of its row. Then one contender is made
    slower at one task, and the report is judged again. With a `bound` each task ends where `--until` would end it,
    after `repeats` at the latest.
    """
    random = np.random.default_rng(SEED)
    made_up = _generator(random, noise, shape, contenders * rows, repeats)
    false = found = 0
    taken: list[int] = []
    for _ in range(experiments):
        cells = np.exp(made_up()).tolist()
        table = [_ended(cells[i * contenders : (i + 1) * contenders], bound) for i in range(rows)]
        taken += [len(row[0]) for row in table]
        false += any(d.significant for row in _judged(table) for d in row.values())
        table[0][-1] = [[second * (1 + slowdown) for second in epochs] for epochs in table[0][-1]]
        planted = _judged(table)[0].get(contenders - 1)
        found += planted is not None and planted.significant and planted.ratio > 1
    return Rates(
        repeats=round(float(np.median(taken))),
        contenders=contenders,
        rows=rows,
        shape=shape,
        experiments=experiments,
        false=false / experiments,
        found=found / experiments,
        until=bound,
    )


def _ended(row: list[list[list[float]]], bound: float | None) -> list[list[list[float]]]:
    """The repeats of a task until the intervals of all its cells are as narrow as `bound`."""
    if bound is None:
        return row

    def known(cell: list[list[float]]) -> bool:
        width = half_width(cell)
        return width is not None and width <= bound

    sizes = range(stopping_rule.LEAST, len(row[0]))
    size = next((n for n in sizes if all(known(cell[:n]) for cell in row)), len(row[0]))
    return [cell[:size] for cell in row]


def _judged(table: Sequence[Sequence[Repeats]]) -> list[dict[int, Difference]]:
    """Per row: position of each contender but the fastest -> its difference to the fastest, corrected for all pairs."""
    places, found = [], []
    for line, row in enumerate(table):
        seconds = [float(np.median(np.median(cell, axis=1))) for cell in row]
        best = seconds.index(min(seconds))
        rivals = [i for i in range(len(row)) if i != best]
        places += [(line, i) for i in rivals]
        found += [difference(row[best], row[i], intervals=False) for i in rivals]
    judged: list[dict[int, Difference]] = [{} for _ in table]
    for (line, i), verdict in zip(places, holm(found, sum(math.comb(len(row), 2) for row in table)), strict=True):
        judged[line][i] = verdict
    return judged


def deal_pairs(cells: Sequence[Repeats], slowdown: float = 0.05) -> RealRates | None:
    """Error rates if the repeats of each recorded cell belonged to two contenders, which are then equal.

    Of two neighbours in time each contender gets one, as in a run that interleaves both. Every such deal is tried, up
    to 256. None without a cell of four repeats.
    """
    random = np.random.default_rng(SEED)
    shares, found, sizes, count, one_deal = [], [], [], 0, 0
    for cell in cells:
        size = len(cell) // 2
        if size < 2:
            continue
        verdicts = [_dealt(cell, swaps, slowdown) for swaps in _deals(size, random)]
        sizes.append(size)
        count += len(verdicts)
        shares.append(float(np.mean([false for false, _ in verdicts])))
        found.append(float(np.mean([seen for _, seen in verdicts])))
        one_deal += verdicts[random.integers(len(verdicts))][0]
    if not sizes:
        return None
    error = float(np.std(shares, ddof=1)) / math.sqrt(len(shares)) if len(shares) > 1 else None
    return RealRates(
        cells=len(sizes),
        repeats=min(sizes),
        deals=count,
        false=float(np.mean(shares)),
        false_error=error,
        found=float(np.mean(found)),
        one_deal=one_deal,
    )


def _deals(pairs: int, random: np.random.Generator) -> list[tuple[int, ...]]:
    if pairs <= 8:
        return list(itertools.product((0, 1), repeat=pairs))
    return [tuple(swaps) for swaps in random.integers(2, size=(256, pairs)).tolist()]


def _dealt(cell: Repeats, swaps: Sequence[int], slowdown: float) -> tuple[bool, bool]:
    """(a false verdict, the planted slowdown found) of one deal; the first of an odd number is left out."""
    first = len(cell) - 2 * len(swaps)
    a = [cell[first + 2 * i + swap] for i, swap in enumerate(swaps)]
    b = [cell[first + 2 * i + 1 - swap] for i, swap in enumerate(swaps)]
    slow = difference(a, [[second * (1 + slowdown) for second in epochs] for epochs in b], intervals=False)
    return difference(a, b, intervals=False).significant, slow.significant and slow.ratio > 1


def repeats_needed(rates: Sequence[Rates], share: float = 0.9) -> int | None:
    """The fewest repeats from which on the slowdown is found in at least `share` of the experiments."""
    ranked = sorted(rates, key=lambda rate: rate.repeats)
    good = list(itertools.takewhile(lambda rate: rate.found >= share, reversed(ranked)))
    return good[-1].repeats if good else None


def _generator(
    random: np.random.Generator, noise: Noise, shape: str, cells: int, repeats: int
) -> Callable[[], np.ndarray]:
    """A function that simulates one experiment: logarithms of seconds, shaped (cells, repeats, epochs)."""
    jobs, epochs = (cells, repeats), (cells, repeats, noise.epochs)
    in_turn, in_job = _memory(cells * repeats, JOB_MEMORY), _memory(noise.epochs, EPOCH_MEMORY)

    def wandering() -> np.ndarray:
        host = (in_turn @ random.standard_normal(cells * repeats)).reshape(repeats, cells)
        return np.asarray(random.permuted(host, axis=1).T)  # the cells of a block run in an order of its own

    def draw() -> np.ndarray:
        jitter = random.standard_normal(epochs)
        if shape == "outliers":
            shift, jitter = (random.standard_t(3, size) / math.sqrt(3) for size in (jobs, epochs))
        elif shape == "two states":
            shift = random.choice([-1.0, 1.0], jobs)
        elif shape == "wandering":
            shift, jitter = wandering(), jitter @ in_job.T
        else:
            shift = random.standard_normal(jobs)
        return np.asarray(noise.between * shift[:, :, None] + noise.within * jitter)

    return draw


def _memory(n: int, kept: float) -> np.ndarray:
    """A matrix that turns `n` independent deviations into ones that keep the share `kept` from each to the next."""
    steps = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return np.asarray(np.linalg.cholesky(kept**steps))
