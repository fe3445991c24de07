"""Options that say what is run: configuration, stacks, backends, workloads, amounts, and files of one's own."""

from __future__ import annotations

import click

from orchestrator.cli.options import values
from orchestrator.cli.options.command import MOST_USED, OWN_FILES, WHAT, folder, option, options, pattern
from orchestrator.model import MOST_EPOCHS
from orchestrator.plan.axes import AXES

CONFIG = option(
    MOST_USED,
    "--config",
    "-c",
    default="all",
    show_default=True,
    metavar="NAME|FILE",
    help="Configuration: a preset (`orchestrate list presets`) or a YAML file.",
)
WORKLOAD = pattern(
    MOST_USED, "--workload", "workloads", "Only workloads whose name matches.  [default: all, or the FILEs]"
)
BACKEND = pattern(MOST_USED, "--backend", "backends", "Only backends whose name matches.  [default: all]")
STACK = pattern(
    WHAT,
    "--stack",
    "stacks",
    "Only stacks whose name matches; FILE.yaml is a stack of your own (docs/STACKS.md).  [default: all]",
    "GLOB|FILE",
)
FILTERS = options(WORKLOAD, BACKEND, STACK)
#: What of a configuration decides which images it needs.
IMAGE_FILTERS = options(CONFIG, BACKEND, STACK)
SCALE = option(
    MOST_USED,
    "--scale",
    metavar="NAME",
    help="Amount of data and epochs: smoke, quick, gpu or article.  [default: article on a GPU, else quick]",
)
AMOUNTS = options(
    pattern(
        WHAT,
        "--exclude",
        "exclude",
        "Leave out jobs whose id matches (`orchestrate plan --json` has the ids); they are listed.  [default: none]",
    ),
    option(
        WHAT,
        "--variant",
        "variants",
        multiple=True,
        type=click.Choice(["faithful", "modern"]),
        help="Settings of 2017, or today's (Keras 3 only); both may be given.  [default: faithful]",
    ),
    option(
        WHAT,
        "--epochs",
        type=values.Number(1, MOST_EPOCHS),
        metavar="N",
        help="Epochs of each job.  [default: the scale's, or the FILE's]",
    ),
)
MODE = options(
    option(
        WHAT,
        "--mode",
        type=click.Choice(["train", "predict", "generate"]),
        help="What is timed: training, calls without training, or tokens (docs/INFERENCE.md).  [default: train]",
    ),
    option(
        WHAT,
        "--predict-batch",
        type=values.Number(1),
        metavar="N",
        help="With --mode predict: the batch beside batch 1.  [default: the workload's, or the FILE's]",
    ),
)
VARY = option(
    WHAT,
    "--vary",
    multiple=True,
    metavar="AXIS=V1,V2",
    callback=values.varied,
    help=f"Run each of several values of {', '.join(AXES)}, or of an argument of your build() or data(); "
    "may be given several times (docs/SWEEPS.md).  [default: none]",
)
DETERMINISTIC = option(
    WHAT,
    "--deterministic",
    is_flag=True,
    default=None,
    help="Ask each library for the same results each time, which costs speed; never compared with runs without.",
)
FOUND = options(
    option(
        WHAT,
        "--python",
        "pythons",
        multiple=True,
        metavar="FILE|same",
        help="An interpreter that is there, with its Keras, in place of the stacks (docs/FOUND.md).  [default: none]",
    ),
    option(
        WHAT,
        "--image",
        "images",
        multiple=True,
        metavar="NAME",
        callback=values.image_names,
        help="An image that is there, with its Keras, in place of the stacks (docs/FOUND.md).  [default: none]",
    ),
    option(
        WHAT,
        "--with",
        "additions",
        multiple=True,
        metavar="PACKAGE",
        help="With --python or --image: a package beside theirs, such as keras==3.15.1.  [default: none]",
    ),
)
KERAS_SPEC = option(
    WHAT,
    "--keras-spec",
    metavar="SPEC",
    help="Another Keras for today's stacks, as processes: 'keras @ git+...' or a folder; '' is the locked one."
    "  [default: the locked one]",
)
ROOT = folder(WHAT, "--root", exists=True, help="Folder with docker/ and workloads/.  [default: those of this program]")
DATA_DIR = folder(
    MOST_USED,
    "--data-dir",
    exists=True,
    help="Folder with data sets; it is only read.  [default: this program's cache, ~/.keras/datasets]",
)
FILES = options(
    click.argument("files", nargs=-1, metavar="[FILE]... [-- ARGUMENT...]"),
    option(
        OWN_FILES,
        "--steps",
        type=values.Number(1),
        metavar="N",
        help="With FILE: the most batches of an epoch.  [default: all of its data]",
    ),
    option(
        OWN_FILES,
        "--data",
        multiple=True,
        metavar="NAME=PATH",
        callback=values.named_paths,
        help="With FILE: data that it reads, by the name that it uses; shown to it read-only.  [default: none]",
    ),
    option(
        OWN_FILES,
        "--network",
        is_flag=True,
        default=None,
        help="With FILE: let it use the network; recorded with every result.",
    ),
)
