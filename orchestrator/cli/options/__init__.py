"""The options that commands share, by the groups of their help, and the requests that are made of them.

In: what was typed. Out: requests for the rooms below. Below cli/ nothing knows of options.
"""

from orchestrator.cli.options.command import command, option, options
from orchestrator.cli.options.images import BUILD, NO_BUILD
from orchestrator.cli.options.often import LIMITS, REPEATS, UNTIL
from orchestrator.cli.options.outcome import DRY_RUN, JSON, NO_FETCH, OUT, RESUME
from orchestrator.cli.options.request import (
    build_settings,
    explicit,
    replay_request,
    resume_request,
    run_request,
)
from orchestrator.cli.options.values import FOLDER, bound, percent
from orchestrator.cli.options.what import (
    AMOUNTS,
    CONFIG,
    DATA_DIR,
    DETERMINISTIC,
    FILES,
    FILTERS,
    FOUND,
    IMAGE_FILTERS,
    KERAS_SPEC,
    MODE,
    ROOT,
    SCALE,
    VARY,
)
from orchestrator.cli.options.where import CLUSTER, DETACH, DEVICE, GPUS, LAUNCHER, PLACE

#: Everything that a configuration holds.
CONFIGURATION = options(
    CONFIG, FILTERS, SCALE, REPEATS, VARY, DEVICE, AMOUNTS, MODE, DETERMINISTIC, FOUND, LIMITS, PLACE, GPUS, CLUSTER
)

__all__ = [
    "BUILD",
    "CONFIGURATION",
    "DATA_DIR",
    "DETACH",
    "DEVICE",
    "DRY_RUN",
    "FILES",
    "FILTERS",
    "FOLDER",
    "IMAGE_FILTERS",
    "JSON",
    "KERAS_SPEC",
    "LAUNCHER",
    "NO_BUILD",
    "NO_FETCH",
    "OUT",
    "RESUME",
    "ROOT",
    "UNTIL",
    "bound",
    "build_settings",
    "command",
    "explicit",
    "option",
    "percent",
    "replay_request",
    "resume_request",
    "run_request",
]
