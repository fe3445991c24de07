"""Every section of the report, in its order. To add one, write `sections/NAME.py` with a `build` and enter it here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.report.blocks import Section
from orchestrator.report.sections import (
    answer,
    arithmetic,
    article,
    charts,
    costs,
    deviations,
    environment,
    failures,
    findings,
    inference,
    jobs,
    native,
    noise,
    not_run,
    own,
    pairs,
    published,
    sweeps,
    tables,
    warnings,
    years,
)
from orchestrator.report.view import View

#: Makes a section, or several; None where there is nothing to say.
Build = Callable[[View], Section | Sequence[Section] | None]

#: The parts of the report of training. On the page, the menu stands below the summary, and each part is one line of it.
SECTIONS: dict[str, tuple[Build, ...]] = {
    "summary": (answer.build, warnings.build),
    "results": (
        *(sweeps.build, native.build, years.build, charts.build, findings.build, pairs.build, tables.build),
        *(costs.build, own.build, noise.build, failures.build, not_run.build, jobs.build),
    ),
    "background": (article.build, published.build, deviations.build, arithmetic.build, environment.build),
}
#: The same of a report without training: nothing of epochs, nor of the article, which has none of it.
OF_CALLS: dict[str, tuple[Build, ...]] = {
    "summary": (answer.build, warnings.build),
    "results": (
        *(sweeps.build, inference.build, charts.build, pairs.build, own.build),
        *(failures.build, not_run.build, jobs.build),
    ),
    "background": (arithmetic.build, environment.build),
}
