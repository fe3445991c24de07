"""Compares two contenders over several tasks at once: the geometric mean of their ratios, its interval and test.

The tasks are taken as they are, as no others were asked about: only repeats vary. The logarithm of the overall ratio is
the mean of those of the tasks, so its variance is the sum of theirs over the square of their number, and its degrees of
freedom follow as Welch and Satterthwaite count them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from orchestrator.stats.inference import (
    LEVEL,
    Difference,
    Repeats,
    holm,
    log_medians,
    student_p,
    student_quantile,
    variance,
)


def overall_difference(a: Sequence[Repeats], b: Sequence[Repeats], family: int = 1) -> Difference:
    """Set b against set a, each with the repeats of the same tasks in the same order; `ratio` above 1: b is slower.

    Interval and p are corrected for `family` comparisons that could have been made; None with a single repeat of any
    task. Raises ValueError where the two have not the same tasks, or none.
    """
    pairs = [(log_medians(one), log_medians(other)) for one, other in zip(a, b, strict=True)]
    if not pairs:
        raise ValueError("no task was run by both")
    effect = statistics.mean(float(theirs.mean() - ours.mean()) for ours, theirs in pairs)
    fewest = [min(len(pair[side]) for pair in pairs) for side in (0, 1)]
    found = Difference(n_a=fewest[0], n_b=fewest[1], ratio=math.exp(effect))
    if min(fewest) < 2:
        return found
    whole, freedom = _whole([values for pair in pairs for values in pair], len(pairs))
    error = math.sqrt(whole)
    # The bounds are those of no correction until holm sets them.
    tested = replace(found, low=found.ratio, high=found.ratio, error=error, freedom=freedom)
    (corrected,) = holm([replace(tested, p=student_p(effect / error, freedom))], family)
    return corrected


def overall_interval(tasks: Sequence[Repeats]) -> tuple[float, float, float] | None:
    """(middle, low, high) of the geometric mean of seconds over tasks, 95 %; None with a single repeat of any."""
    found = [log_medians(repeats) for repeats in tasks]
    if not found or min(len(values) for values in found) < 2:
        return None
    middle = statistics.mean(float(values.mean()) for values in found)
    whole, freedom = _whole(found, len(found))
    reach = student_quantile(freedom) * math.sqrt(whole)
    return math.exp(middle), math.exp(middle - reach), math.exp(middle + reach)


def _whole(sides: Sequence[np.ndarray], tasks: int) -> tuple[float, float]:
    """The variance of a mean over so many tasks, and its degrees of freedom."""
    parts = [(variance(values) / tasks**2, len(values) - 1) for values in sides]
    whole = sum(part for part, _ in parts)
    return whole, whole**2 / sum(part**2 / free for part, free in parts)


def repeats_needed(found: Difference, most: int) -> int | None:
    """About so many repeats of each would tell the two apart, if spread and difference stay as they are.

    None for more than `most`, and where the spread is not known.
    """
    effect, repeats = abs(math.log(found.ratio)), min(found.n_a, found.n_b)
    if found.error is None or found.freedom is None or not effect:
        return None
    level = LEVEL / (found.family or 1)
    for n in range(repeats, most + 1):
        freedom = found.freedom * (n - 1) / (repeats - 1)
        if student_quantile(freedom, level) * found.error * math.sqrt(repeats / n) < effect:
            return n
    return None
