"""Options that say where and how jobs run: device, launcher, cores, memory, GPUs, Slurm."""

from __future__ import annotations

from typing import get_args

import click

from orchestrator.cli.options import values
from orchestrator.cli.options.command import MOST_USED, SLURM, WHERE, option, options
from orchestrator.launchers.gpu_routes import ROUTES
from orchestrator.launchers.runtimes import LAUNCHERS, WEAKENABLE
from orchestrator.model import MOST_THREADS
from orchestrator.plan.config import ExecutorName

DEVICE = option(
    MOST_USED,
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    help="What jobs compute on; auto takes a GPU where there is one.  [default: auto]",
)
LAUNCHER = option(
    WHERE,
    "--launcher",
    metavar="NAME|FILE",
    help=f"How jobs are started: {', '.join(LAUNCHERS)}, or the FILE of a container runtime.  [default: auto]",
)
PLACE = options(
    LAUNCHER,
    option(WHERE, "--executor", type=click.Choice(get_args(ExecutorName)), help="Where jobs run.  [default: local]"),
    option(
        WHERE,
        "--threads",
        type=values.Number(1, MOST_THREADS),
        metavar="N",
        help="CPU threads of each job.  [default: all cores but one, shared by parallel jobs]",
    ),
    option(
        WHERE,
        "--parallel",
        type=values.Number(1, MOST_THREADS),
        metavar="N",
        help="Jobs at the same time on the CPU; on GPUs it is one per GPU.  [default: 1]",
    ),
    option(
        WHERE,
        "--memory",
        metavar="512m|4g",
        help="Memory limit of each container, MiB or GiB.  [default: an equal share of the host's memory]",
    ),
    option(
        WHERE,
        "--weaken",
        multiple=True,
        type=click.Choice(WEAKENABLE),
        metavar="POINT",
        help=f"Drop one restriction of the containers ({', '.join(WEAKENABLE)}; docs/RUNTIMES.md); recorded with "
        "every result.  [default: none]",
    ),
)
GPUS = options(
    option(
        WHERE,
        "--gpu",
        "gpus",
        multiple=True,
        metavar="NUMBER|UUID",
        help="Only this GPU; may be given several times.  [default: all that CUDA_VISIBLE_DEVICES, for AMD's "
        "ROCR_VISIBLE_DEVICES, leaves]",
    ),
    option(
        WHERE,
        "--gpu-route",
        type=click.Choice(ROUTES),
        metavar="ROUTE",
        help=f"How a GPU is passed to a container: {', '.join(ROUTES)}.  [default: auto]",
    ),
    option(
        WHERE,
        "--allow-busy",
        is_flag=True,
        default=None,
        help="Also use GPUs that other processes use; such rows are marked.",
    ),
    option(
        WHERE,
        "--sample-hz",
        type=values.Number(0, 100, float),
        metavar="HZ",
        help="Readings of each GPU a second, from outside of the jobs.  [default: 5]",
    ),
    option(
        WHERE,
        "--no-sampling",
        "sample_hz",
        flag_value=0.0,
        type=float,
        help="Read no GPU while jobs run: no figures of GPUs.",
    ),
)
CLUSTER = options(
    option(SLURM, "--partition", metavar="NAME", help="Partition to use.  [default: the cluster's]"),
    option(SLURM, "--account", metavar="NAME", help="Account to charge.  [default: yours]"),
    option(SLURM, "--gpu-type", metavar="NAME", help="Only GPUs of this type, by the site's name.  [default: any]"),
    option(
        SLURM,
        "--sbatch-option",
        "sbatch_options",
        multiple=True,
        metavar="--NAME=VALUE",
        help="A further option for sbatch.  [default: none]",
    ),
)
DETACH = option(SLURM, "--detach", is_flag=True, help="Submit and return; `orchestrate attach` collects the results.")
