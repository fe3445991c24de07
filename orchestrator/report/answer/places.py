"""The overall ranking as data, for programs: what the first table of the report shows, by the same statistics."""

from __future__ import annotations

from orchestrator.model import Noun
from orchestrator.report.answer.ranking import Entry, Field, fields
from orchestrator.report.answer.sentences import names
from orchestrator.report.view import View


class Place(Noun, frozen=True, kw_only=True):
    """One contender of an overall ranking.

    `group` tells the rankings of a report apart that do not compare (other machines, other scales); "" for the only
    one. `overall` is the geometric mean, over `tasks` models, of its time as times that of the fastest; None where too
    few of them have a time that counts. `leads`: it is the first, or no test tells it from the first. `times`, `low`,
    `high` compare it with the first: times as long, with the 95 % interval, and `p`, both corrected for all pairs; None
    for the first, and `low`, `high`, `p` for one without repeats. `overall` takes the median of repeats, `times` their
    geometric mean, which is what is tested: the two may differ, also over one task.
    """

    group: str
    contender: str
    overall: float | None = None
    tasks: int = 0
    firsts: int = 0
    leads: bool = False
    times: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def places(view: View) -> list[Place]:
    """Every contender of every ranking, the first of each one first."""
    return [_place(view, field, entry) for field in fields(view.layout, view.speeds) for entry in field.overall.entries]


def _place(view: View, field: Field, entry: Entry) -> Place:
    ranking, found = field.overall, entry.against
    return Place(
        group=field.where,
        contender=names(view.layout, field)[entry.column],
        overall=entry.overall,
        tasks=len(ranking.counted) if entry.overall is not None else 0,
        firsts=len(entry.firsts),
        leads=any(entry is leader for leader in ranking.leaders),
        times=None if found is None else found.ratio,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        p=None if found is None else found.p if found.p_adjusted is None else found.p_adjusted,
    )
