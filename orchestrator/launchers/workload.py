"""The argv and the environment that every launcher gives to a workload. Pure."""

from __future__ import annotations

from orchestrator.launchers.launcher import RunContext
from orchestrator.model import OWN_SCALE, Backend, Job, Noun, is_native, library_of

#: One thread count for every library that has a pool of its own; an unset one would take all cores
#: (and MXNet's recurrent layers then run 15 times slower).
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "PJRT_NPROC",  # JAX's XLA
)


#: Where a file of one's own finds what Keras has downloaded before (keras.datasets, get_file).
KERAS_DATASETS = "KERAS_ORCHESTRATE_KERAS_DATASETS"

#: The folder of packages that a file of one's own has beside those of its stack: they come last on its search path.
PACKAGES = "KERAS_ORCHESTRATE_PACKAGES"


#: How long a way of calling a model is timed, by scale; elsewhere as long as the script itself says.
CALL_SECONDS = {"smoke": 0.5}


class Places(Noun, frozen=True, kw_only=True):
    """Where a job sees what it uses, by absolute paths: the folder of the scripts, its output folder, its files.

    `data` is the file of its data set, `own` the file of one's own that it runs, `more` data by name (--data).
    """

    scripts: str
    out: str
    data: str = ""
    own: str = ""
    more: dict[str, str] = {}


def script_arguments(job: Job, context: RunContext, places: Places) -> list[str]:
    """The argv after the interpreter: the workload script with every parameter spelled out.

    `--lease`: the workload ends itself when its standard input, the lifeline, ends. Behind `--` stands what a script of
    one's own finds in sys.argv.
    """
    native, own = is_native(job.backend), context.own.get(job.workload)
    flags = {
        "out": places.out,
        "job": job.id,
        "attempt": context.attempts.get(job.id, 1),
        "epochs": job.epochs,
        "batch-size": job.batch_size,
        "train": job.train,
        "validation": job.validation,
        "seed": job.seed,
        "threads": job.threads,
    }
    if job.mode != "train":
        flags |= {"mode": job.mode, "call-seconds": CALL_SECONDS.get(job.scale)}
    if own is not None and not native:
        argv = ["-B", f"{places.scripts}/own.py", places.own]
        scale = None if job.scale == OWN_SCALE else job.scale
        flags |= {"contract": own.contract, "scale": scale, "steps": job.steps}
        flags |= {"train": None, "validation": None}  # the file's scales say it
        given = {**places.more, **({job.dataset: places.data} if job.dataset else {})}
        more = [word for name, path in given.items() for word in ("--data", f"{name}={path}")]
        flags |= {"dataset": job.dataset, "data-kind": context.data_of(job).kind} if own.shipped else {}
        more += ["--network"] * context.network
        last = ["--", *job.arguments] if job.arguments else []
    else:
        argv = ["-B", f"{places.scripts}/{'plain' if native else 'run'}.py", job.workload]
        weights = "equal" if native or job.variant == "faithful" or job.mode != "train" else "framework"
        flags |= {"data": places.data, "data-kind": context.data_of(job).kind}
        flags |= {"library": library_of(job.backend)} if native else {"variant": job.variant}
        flags |= {"initial-weights": weights}
        more, last = [], []
    for flag, value in flags.items():
        argv += [] if value is None else [f"--{flag}", str(value)]
    for name, value in job.axes.items():
        more += ["--parameter" if own and name in own.parameters else "--axis", f"{name}={value}"]
    return [*argv, *more, *["--deterministic"] * job.deterministic, "--lease", *last]


def job_environment(job: Job, backend: Backend) -> dict[str, str]:
    """The variables that select the backend and limit its threads."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.threads))
    return {
        **threads,
        **({} if is_native(backend.name) else {"KERAS_BACKEND": backend.name}),
        "PYTHONHASHSEED": str(job.seed),
        "PYTHONUNBUFFERED": "1",
        **backend.env,
    }
