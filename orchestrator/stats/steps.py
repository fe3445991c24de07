"""Finds steps in series of nights: when did a cell become slower or faster, and by how much.

The unit of evidence is the night, one figure each, in order; figures are logarithms, so that every step is a ratio.
Nights differ by more than the repeats within one do, so no interval of a night takes part. A series is cut where the
cumulative sum of its deviations is largest for where it stands (CUSUM, both sides two nights or more). How large it
becomes without any step is simulated on the series' own figures: dealt anew in any order (an exact test where no night
depends on the one before), or, where neighbours resemble each other, as a chain with just that memory. Series that
are judged together are corrected by Holm; the pieces of a series that was cut are judged again, each at half its level.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from orchestrator.stats.inference import FLOOR, LEVEL, SEED, student_p, student_quantile

#: Nights on either side of a step: one night alone may be a bad one.
LEAST_SIDE = 2
#: Nights of a series that is judged. With fewer no order of them is rare enough.
LEAST_NIGHTS = 8
#: Simulated series per batch; and so many that reach the measured one are enough to know that p is large.
BATCH, ENOUGH = 250, 20
#: The most simulated series per judgement.
MOST_DRAWS = 20_000
#: From so many nights on three cuts are taken out before the memory is estimated, else one. Each cut, and each mean,
#: hides some of it: 3 / nights for a cut is put back, as simulations asked for (docs/PROTOCOL.md).
LONG = 24
MOST_MEMORY = 0.95


class Step(Struct, frozen=True, kw_only=True):
    """A step of a series: `at` is the position of the first night after it.

    `ratio` is after / before, over the nights of the pieces that meet here; `low` and `high` bound it with 95 %
    confidence. `p` is that of the cut by itself, `p_adjusted` after the correction for all series.
    """

    at: int
    ratio: float
    low: float
    high: float
    p: float
    p_adjusted: float

    @property
    def slower(self) -> bool:
        return self.ratio > 1


class Judged(Struct, frozen=True):
    """The steps of one series in order; None where it has too few nights to be judged. `p`: that of its largest cut."""

    steps: list[Step] | None
    p: float | None = None


def judge(series: Sequence[Sequence[float]]) -> list[Judged]:
    """The steps in each series of log figures, corrected so that at most 5 % of such families hold a false one."""
    values = [np.asarray(each, dtype=float) for each in series]
    known = [i for i, each in enumerate(values) if len(each) >= LEAST_NIGHTS]
    draws = _draws(len(known))
    cuts = {i: _cut(values[i], draws) for i in known}
    found: list[Judged] = [Judged(None)] * len(values)
    worst, open_ = 0.0, True
    for rank, i in enumerate(sorted(known, key=lambda i: cuts[i][1])):
        at, p = cuts[i]
        worst = max(worst, min(1.0, (len(known) - rank) * p))
        open_ = open_ and worst < LEVEL
        steps = _steps(values[i], at, p, worst, len(known) - rank, draws) if open_ else []
        found[i] = Judged(steps, p)
    return found


def _draws(family: int) -> int:
    return min(MOST_DRAWS, 2000 + 400 * family)


def _steps(values: np.ndarray, at: int, p: float, adjusted: float, family: int, draws: int) -> list[Step]:
    """The steps of a series whose largest cut, `at`, was found to be one."""
    found = {at: (p, adjusted)}
    waiting = [(0, at, 2 * family), (at, len(values), 2 * family)]
    while waiting:
        begin, end, divided = waiting.pop()
        if end - begin < LEAST_NIGHTS:
            continue
        inner, its_p = _cut(values[begin:end], draws)
        if its_p * divided < LEVEL:
            found[begin + inner] = (its_p, its_p * divided)
            waiting += [(begin, begin + inner, 2 * divided), (begin + inner, end, 2 * divided)]
    return _sized(values, dict(sorted(found.items())))


def _sized(values: np.ndarray, found: dict[int, tuple[float, float]]) -> list[Step]:
    """The steps with their sizes; the noise of a night is taken from all pieces together."""
    edges = [0, *found, len(values)]
    pieces = [values[a:b] for a, b in itertools.pairwise(edges)]
    freedom = len(values) - len(pieces)
    noise = math.sqrt(max(sum(float(((piece - piece.mean()) ** 2).sum()) for piece in pieces) / freedom, FLOOR**2))
    steps = []
    for (at, (p, adjusted)), (before, after) in zip(found.items(), itertools.pairwise(pieces), strict=True):
        size = float(after.mean() - before.mean())
        reach = student_quantile(freedom) * noise * math.sqrt(1 / len(before) + 1 / len(after))
        low, high = math.exp(size - reach), math.exp(size + reach)
        steps.append(Step(at=at, ratio=math.exp(size), low=low, high=high, p=p, p_adjusted=adjusted))
    return steps


def _cut(values: np.ndarray, draws: int) -> tuple[int, float]:
    """(where the series would be cut, how often a series without a step looks so): position of the night after, p."""
    centred = values - values.mean()
    seen, at = _scan(centred[None, :])
    position = int(at[0])
    if not seen[0] > 1e-9:  # all nights alike
        return position, 1.0
    random = np.random.default_rng(SEED)
    reached = made = 0
    memory = _memory(values)
    while made < draws and reached < ENOUGH:
        count = min(BATCH, draws - made)
        reached += int((_scan(_without_step(centred, memory, count, random))[0] >= seen[0] * (1 - 1e-9)).sum())
        made += count
    return position, (reached + 1) / (made + 1)


def _scan(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row, shaped (series, nights): the largest cut, and the position of the first night after it."""
    nights = series.shape[1]
    sums = np.cumsum(series - series.mean(axis=1, keepdims=True), axis=1)[:, LEAST_SIDE - 1 : nights - LEAST_SIDE]
    before = np.arange(LEAST_SIDE, nights - LEAST_SIDE + 1)
    size = np.abs(sums) * np.sqrt(nights / (before * (nights - before)))
    return size.max(axis=1), size.argmax(axis=1) + LEAST_SIDE


def _memory(values: np.ndarray) -> float:
    """How much of a night's deviation the next one keeps, never below 0.

    What steps there may be must not look like memory: the largest cuts are taken out, more of them of a longer series.
    """
    cuts = 1 if len(values) < LONG else 3
    rest = np.concatenate([piece - piece.mean() for piece in _pieces(values, cuts)])
    total = float((rest**2).sum())
    kept = float((rest[1:] * rest[:-1]).sum()) / total if total > 0 else 0.0
    return min(max(0.0, kept + 3 * (cuts + max(0.0, kept)) / len(values)), MOST_MEMORY)


def _pieces(values: np.ndarray, cuts: int) -> list[np.ndarray]:
    """The series cut so many times, each time where the cut is largest."""
    pieces = [values]
    for _ in range(cuts):
        long_enough = [i for i, piece in enumerate(pieces) if len(piece) >= 2 * LEAST_SIDE]
        if not long_enough:
            break
        scans = {i: _scan(pieces[i][None, :]) for i in long_enough}
        largest = max(long_enough, key=lambda i: float(scans[i][0][0]))
        at = int(scans[largest][1][0])
        pieces[largest : largest + 1] = [pieces[largest][:at], pieces[largest][at:]]
    return pieces


def _without_step(centred: np.ndarray, memory: float, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` series of the same figures without a step: what each night adds to the one before, in any order."""
    fresh = centred.copy()
    fresh[1:] -= memory * centred[:-1]
    lone = math.sqrt(1 - memory**2)
    fresh[0] *= lone
    made = random.permuted(np.tile(fresh, (count, 1)), axis=1)
    if memory:
        made[:, 0] /= lone
        for night in range(1, made.shape[1]):
            made[:, night] += memory * made[:, night - 1]
    return made


def odd_end(values: Sequence[float]) -> float | None:
    """Last night / those before it, where so odd a night is rarer than one in a hundred; else None.

    One night is no step, but a step begins with one.
    """
    if len(values) < LEAST_NIGHTS:
        return None
    before, last = np.asarray(values[:-1], dtype=float), float(values[-1])
    noise = max(float(before.std(ddof=1)), FLOOR)
    away = last - float(before.mean())
    rare = student_p(away / (noise * math.sqrt(1 + 1 / len(before))), len(before) - 1) < 0.01
    return math.exp(away) if rare else None


def night_noise(values: Sequence[float]) -> float | None:
    """Standard deviation of nights, from differences of neighbours, which steps hardly change; None below three."""
    if len(values) < 3:
        return None
    apart = np.diff(np.asarray(values, dtype=float))
    return max(float(np.median(np.abs(apart))) / 0.6745 / math.sqrt(2), FLOOR)
