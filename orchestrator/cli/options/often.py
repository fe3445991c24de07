"""Options that say how often and how long: repeats, the rule that ends them, seeds, time limits."""

from __future__ import annotations

from orchestrator.cli.options import values
from orchestrator.cli.options.command import HOW_OFTEN, MOST_USED, option, options

REPEATS = option(
    MOST_USED,
    "--repeats",
    type=values.Number(1),
    metavar="N",
    help="Repeats of each backend on each workload, each in a fresh process.  [default: 1]",
)
LIMITS = options(
    option(
        HOW_OFTEN,
        "--seed",
        type=values.Number(0, 2**31 - 1),
        metavar="N",
        help="Random seed of the order of jobs, of shuffling and of initial weights.  [default: 2017]",
    ),
    option(
        HOW_OFTEN,
        "--timeout",
        metavar="90s|10m|2h",
        help="Time limit of each job.  [default: the scale's; 3h for a FILE]",
    ),
)
UNTIL = options(
    option(
        HOW_OFTEN,
        "--until",
        type=values.bound,
        metavar="2%",
        help="Repeat each cell until the 95 % interval of its time is within +-2 %.  [default: --repeats decides]",
    ),
    option(
        HOW_OFTEN,
        "--budget",
        metavar="30m",
        help="With --until: time after which no new repeats start.  [default: 30m]",
    ),
)
