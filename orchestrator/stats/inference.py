"""Compares two sets of repeats: ratio, interval, test, and the verdict in words.

The unit of evidence is the repeat, a fresh process; its figure is the median of its steady epochs. Figures are
compared as logarithms, so that every effect is a ratio. Interval and test are Welch's t over repeats, whose error
rates were simulated from three repeats on; the hierarchical bootstrap (repeats drawn first, then epochs within them)
stands beside them: it also sees the epochs, counts their spread twice and so is the more cautious of the two. As plain
percentiles it would be wrong too often where repeats differ more than epochs do (docs/PROTOCOL.md has the figures).
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

#: Steady seconds of the epochs of each repeat.
Repeats = Sequence[Sequence[float]]
LEVEL = 0.05
#: From so many repeats on, a difference that the test does not find is small; with fewer it is not known.
ENOUGH = 5
#: The widest interval, as a logarithm: a ratio of 1e13 says no less than a larger one.
WIDEST = 30.0
DRAWS = 1000
SEED = 2017
#: The least spread (log seconds) that repeats are taken to have: clocks and schedulers are no better.
FLOOR = 0.001
#: The most ways to deal repeats into two groups that are all tried; of more ways so many are drawn at random.
MOST_DEALS = 20000


class Difference(Struct, frozen=True, kw_only=True):
    """Set b against set a. `ratio` is b / a of the geometric means; above 1 b is slower.

    `low` and `high` bound the ratio with 95 % confidence and `p` is that interval's test; all are None with a single
    repeat on a side. `boot_low` and `boot_high` are the bootstrap's bounds. `p_adjusted` is `p` after Holm's
    correction for all `family` comparisons that could have been made together; the interval is then corrected as p
    is, so that it holds 1 where, and only where, there is no verdict. `p_permutation` deals the repeats anew;
    `p_smallest` is the least that so few repeats can give it. `error` is the standard error of the logarithm of the
    ratio, `freedom` its degrees of freedom.
    """

    n_a: int
    n_b: int
    ratio: float
    low: float | None = None
    high: float | None = None
    boot_low: float | None = None
    boot_high: float | None = None
    p: float | None = None
    error: float | None = None
    freedom: float | None = None
    p_adjusted: float | None = None
    family: int | None = None
    p_permutation: float | None = None
    p_smallest: float | None = None

    @property
    def significant(self) -> bool:
        p = self.p if self.p_adjusted is None else self.p_adjusted
        return p is not None and p < LEVEL

    @property
    def words(self) -> str:
        """The verdict on b: `takes 1.03 to 1.07 times as long`, `not certain: 3 repeats are too few`,
        `5 repeats cannot tell them apart`.
        """
        if self.low is None or self.high is None:
            return "not certain: one repeat"
        if self.significant:
            return f"takes {times(self.low, self.high)} as long"
        repeats = min(self.n_a, self.n_b)
        if repeats < ENOUGH:
            return f"not certain: {repeats} repeats are too few"
        return f"{repeats} repeats cannot tell them apart"

    def bounds(self, shown: Callable[[float, float], str]) -> str:
        """The interval as `shown` writes it, "" without one."""
        return "" if self.low is None or self.high is None else shown(self.low, self.high)


def difference(a: Repeats, b: Repeats, intervals: bool = True) -> Difference:
    """Compare two sets of repeats. Every repeat needs an epoch, and every epoch a time above 0; else ValueError.

    Without `intervals` only ratio and p are known: for the thousands of comparisons of a simulation.
    """
    medians_a, medians_b = log_medians(a), log_medians(b)
    effect = float(medians_b.mean() - medians_a.mean())
    plain = Difference(n_a=len(a), n_b=len(b), ratio=math.exp(effect))
    if min(plain.n_a, plain.n_b) < 2:
        return plain
    error, freedom = _error(medians_a, medians_b)
    plain = replace(plain, p=student_p(effect / error, freedom), error=error, freedom=freedom)
    if not intervals:
        return plain
    reach = student_quantile(freedom)
    cautious = reach * math.sqrt(_bootstrap_variance(logs(a)) + _bootstrap_variance(logs(b)))
    p_permutation, p_smallest = permutation(medians_a, medians_b)
    low, high = _bounds(effect, error, freedom)
    return replace(
        plain,
        low=low,
        high=high,
        boot_low=math.exp(effect - cautious),
        boot_high=math.exp(effect + cautious),
        p_permutation=p_permutation,
        p_smallest=p_smallest,
    )


def holm(differences: Sequence[Difference], family: int = 0) -> list[Difference]:
    """The same differences with `p_adjusted`, so that all together give a false verdict in at most 5 % of cases.

    `family` is the number of comparisons that could have been made, where the data chose these among them: who is
    compared with the fastest of six is compared with the luckiest, and has fifteen pairs to be corrected for.
    """
    known = sorted((i for i, d in enumerate(differences) if d.p is not None), key=lambda i: differences[i].p or 0.0)
    family = max(family, len(known))
    found = [replace(d, family=family) for d in differences]
    worst = 0.0
    for rank, i in enumerate(known):
        p = differences[i].p or 0.0
        worst = max(worst, (family - rank) * p)
        found[i] = replace(_as_sure(found[i], worst / p if p else family - rank), p_adjusted=min(1.0, worst))
    return found


def _as_sure(found: Difference, comparisons: float) -> Difference:
    """The difference with the interval of one among so many comparisons: it holds 1 where p times them is too large."""
    if found.low is None or found.error is None or found.freedom is None:
        return found
    low, high = _bounds(math.log(found.ratio), found.error, found.freedom, LEVEL / comparisons)
    return replace(found, low=low, high=high)


def _bounds(effect: float, error: float, freedom: float, level: float = LEVEL) -> tuple[float, float]:
    reach = min(student_quantile(freedom, level) * error, WIDEST)
    return math.exp(effect - reach), math.exp(effect + reach)


def interval(repeats: Repeats) -> tuple[float, float, float] | None:
    """(middle, low, high) of seconds per epoch over repeats, 95 %; None with fewer than two repeats."""
    if len(repeats) < 2:
        return None
    values = log_medians(repeats)
    half = student_quantile(len(values) - 1) * math.sqrt(variance(values))
    middle = float(values.mean())
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def half_width(repeats: Repeats) -> float | None:
    """Half of the 95 % interval over its middle: 0.02 means known to 2 %. None with fewer than two repeats."""
    found = interval(repeats)
    return None if found is None else math.sqrt(found[2] / found[1]) - 1


def repeats_to_tell(a: Repeats, b: Repeats, most: int) -> int | None:
    """So many repeats of each would tell the two apart, if spread and difference stay as they are.

    None where more than `most` would be needed, or where a side has a single repeat and its spread is not known.
    """
    if min(len(a), len(b)) < 2:
        return None
    medians_a, medians_b = log_medians(a), log_medians(b)
    effect = abs(float(medians_b.mean() - medians_a.mean()))
    spread = math.sqrt(variance(medians_a) * len(a) + variance(medians_b) * len(b))
    fitting = (n for n in range(3, most + 1) if student_quantile(2 * n - 2) * spread / math.sqrt(n) < effect)
    return next(fitting, None)


def plain_interval(values: Sequence[float]) -> tuple[float, float, float] | None:
    """(mean, low, high) of one value per repeat, by Student's t, 95 %; None with fewer than two values."""
    if len(values) < 2:
        return None
    array = np.array(values, dtype=float)
    half = student_quantile(len(values) - 1) * float(array.std(ddof=1)) / math.sqrt(len(values))
    middle = float(array.mean())
    return middle, middle - half, middle + half


def logs(repeats: Repeats) -> list[np.ndarray]:
    """Log seconds, one array per repeat."""
    return [np.log(np.array(epochs, dtype=float)) for epochs in _checked(repeats)]


def permutation(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """(p, least possible p) of the difference of means, if every deal of the values into two groups is as likely."""
    pooled = np.array([*a, *b], dtype=float)
    deals = math.comb(len(pooled), len(a))
    if deals <= MOST_DEALS:
        chosen = np.array(list(itertools.combinations(range(len(pooled)), len(a))))
    else:
        random = np.random.default_rng(SEED)
        chosen = random.permuted(np.tile(np.arange(len(pooled)), (MOST_DEALS, 1)), axis=1)[:, : len(a)]
    sums = pooled[chosen].sum(axis=1)
    centre = pooled.sum() * len(a) / len(pooled)
    seen = abs(float(np.sum(a)) - centre) * (1 - 1e-9)
    at_least = int((np.abs(sums - centre) >= seen).sum())
    if deals <= MOST_DEALS:
        return at_least / deals, (2 if len(a) == len(b) else 1) / deals
    return (at_least + 1) / (MOST_DEALS + 1), 1 / (MOST_DEALS + 1)


def student_p(t: float, freedom: float) -> float:
    """Two-sided probability of a value of Student's t beyond `t`."""
    freedom = min(freedom, 300.0)  # beyond, t is as good as normal
    angle = math.atan(abs(t) / math.sqrt(freedom))
    return min(1.0, _cosine(angle, math.pi / 2, freedom - 1) / _cosine(0.0, math.pi / 2, freedom - 1))


@lru_cache(maxsize=4096)
def student_quantile(freedom: float, level: float = LEVEL) -> float:
    """The value of Student's t that is exceeded in either direction with probability `level`."""
    freedom = min(freedom, 300.0)
    power, low, high, angle = freedom - 1, 0.0, math.pi / 2, 1.0
    whole = _cosine(low, high, power)
    for _ in range(100):  # Newton's steps where they stay between the bounds, else halves
        over = _cosine(angle, math.pi / 2, power) / whole - level
        low, high = (angle, high) if over > 0 else (low, angle)
        slope = math.cos(angle) ** power / whole
        step = angle + over / slope if slope > 0 else high
        before, angle = angle, step if low < step < high else (low + high) / 2
        if abs(angle - before) < 1e-15:
            break
    return min(math.sqrt(freedom) * math.tan(angle), 1e6)


def bootstrap(values: Sequence[np.ndarray], draws: int = DRAWS) -> np.ndarray:
    """`draws` locations of hierarchically resampled log seconds: repeats first, then epochs within each."""
    random = np.random.default_rng(SEED)  # anew each time: a figure must not depend on what was computed before it
    lengths = np.array([len(epochs) for epochs in values])
    table = np.full((len(values), lengths.max()), np.nan)
    for i, epochs in enumerate(values):
        table[i, : len(epochs)] = epochs
    repeats = random.integers(len(values), size=(draws, len(values)))
    count = lengths[repeats]
    picks = (random.random((*repeats.shape, table.shape[1])) * count[..., None]).astype(int)
    drawn = np.take_along_axis(table[repeats], picks, axis=2)
    drawn[np.arange(table.shape[1]) >= count[..., None]] = np.nan
    medians = np.median(drawn, axis=2) if (lengths == lengths[0]).all() else np.nanmedian(drawn, axis=2)
    return np.asarray(medians.mean(axis=1))


def _checked(repeats: Repeats) -> Repeats:
    if not repeats or not all(epochs and all(0 < t < math.inf for t in epochs) for epochs in repeats):
        raise ValueError("every repeat needs at least one epoch, and every epoch a time above 0")
    return repeats


def log_medians(repeats: Repeats) -> np.ndarray:
    """The logarithm of each repeat's median, which between two epochs lies midway in seconds, not in logarithms."""
    return np.array([math.log(statistics.median(epochs)) for epochs in _checked(repeats)])


def variance(medians: np.ndarray) -> float:
    """Variance of the mean over repeats."""
    return max(float(medians.var(ddof=1)), FLOOR**2) / len(medians)


def _bootstrap_variance(values: Sequence[np.ndarray]) -> float:
    """Variance of the mean over repeats by bootstrap, which alone would give (n - 1) / n of it with n repeats."""
    n = len(values)
    return max(float(bootstrap(values).var()) * n / (n - 1), FLOOR**2 / n)


def _error(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Standard error of the difference of means, and its degrees of freedom as Welch counts them."""
    va, vb = variance(a), variance(b)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return math.sqrt(va + vb), freedom


@lru_cache(maxsize=1)
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(200)


def _cosine(low: float, high: float, power: float) -> float:
    """Integral of cos(x) ** power: with x = atan(t / sqrt(df)) the density of Student's t becomes this."""
    x, weight = _gauss_legendre()
    half, middle = (high - low) / 2, (high + low) / 2
    return float(half * (weight * np.cos(half * x + middle) ** power).sum())


def times(low: float, high: float) -> str:
    """`1.03 to 1.07 times`, `2.1 to 2.5 times`, `12 to 15 times`, `1.50 times` where both ends read the same."""
    decimals = 2 if low < 2 else 1 if low < 10 else 0
    ends = [f"{value:,.{decimals}f}" for value in (low, high)]
    if low > 1 or high < 1:  # a difference must not read as none
        ends = [f"{value:.4f}" if text == "1.00" else text for text, value in zip(ends, (low, high), strict=True)]
    return f"{' to '.join(dict.fromkeys(ends))} times"
