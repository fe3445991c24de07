"""The pictures of a report: a module for each, and what they share.

`PICTURES` has them in the order of the page; their names are ours, and fit for files. To add one, write
`charts/NAME.py` with a `build` that makes a `Figure` of the material, or None where there is nothing to see, and enter
it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.report.charts import (
    article,
    convergence,
    costs,
    drift,
    epoch_seconds,
    gpu,
    heat,
    host,
    inside_gpu,
    latency,
    memory,
    pareto,
    phases,
    sweeps,
    years,
)
from orchestrator.report.charts.figure import Figure
from orchestrator.report.charts.material import Material
from orchestrator.stats.repeats import TRAIN

#: Name -> (what it is called where it cannot be drawn, what makes it). The names are those of files and anchors.
PICTURES: dict[str, tuple[str, Callable[[Material], Figure | None]]] = {
    "epoch-seconds": ("Seconds per epoch", epoch_seconds.build),
    "latency": ("How the times of calls are spread", latency.build),
    "heat": ("All contenders on all models", heat.build),
    "every-epoch": ("Seconds of every epoch", drift.build),
    "phases": ("Where the time of a job goes", phases.build),
    "convergence": ("Accuracy against time", convergence.build),
    "pareto": ("Throughput against accuracy", pareto.build),
    "memory": ("Peak memory", memory.build),
    "energy": ("Energy per epoch", costs.build_energy),
    "money": ("Money per epoch", costs.build_money),
    "years": ("How fast Keras trains, by year of release", years.build),
    "sweeps": ("Speed along the settings that were varied", sweeps.build),
    "article": ("Against the article", article.build),
    "gpu": ("GPU over time", gpu.build),
    "inside-gpu": ("Inside the GPU over time", inside_gpu.build),
    "host": ("Processor and memory over time", host.build),
}


#: Those that have something to show of runs that do not train.
OF_CALLS = ("latency", "sweeps", "memory")


def figures(material: Material) -> Iterator[tuple[str, str, Figure | Exception]]:
    """(name, title, picture) of all that have something to show, in the order of the page; or what went wrong."""
    trains = all(task.mode == TRAIN for task in material.layout.tasks)
    for name, (title, build) in PICTURES.items():
        if not trains and name not in OF_CALLS:
            continue
        try:
            found = build(material)
        except Exception as error:
            yield name, title, error
            continue
        if found is not None:
            yield name, title, found
