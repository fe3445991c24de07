"""Options that say where results go, how they are printed, and which earlier run goes on."""

from __future__ import annotations

from pathlib import Path

from orchestrator.cli.options.command import EARLIER, MOST_USED, OUTPUT, WHAT, folder, option, options

OUT = folder(MOST_USED, "--out", default=Path("results"), show_default=True, help="Folder that runs are kept in.")
JSON = option(
    OUTPUT,
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document, and nothing else.",
)
DRY_RUN = option(
    OUTPUT,
    "--dry-run",
    is_flag=True,
    help="Print each job's command, as `plan --commands`; of --resume: what it names.",
)
NO_FETCH = option(WHAT, "--no-fetch", is_flag=True, help="Never download data; use synthetic data where there is none.")
RESUME = options(
    option(
        EARLIER,
        "--resume",
        metavar="RUN",
        help="Go on with a run: folder, id or `latest`.  [default: a new one]",
    ),
    option(
        EARLIER, "--retry-failed", is_flag=True, help="With --resume: failed, timed-out and oom jobs run again, too."
    ),
    option(
        EARLIER,
        "--rerun-changed",
        is_flag=True,
        help="With --resume: jobs whose scripts, image or data changed run again, instead of a refusal.",
    ),
)
