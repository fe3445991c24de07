"""The argv and the environment that every launcher gives to a workload. Pure."""

from __future__ import annotations

from orchestrator.model import Backend, DataFile, Job

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


def script_arguments(job: Job, data: DataFile, script: str, data_path: str, out: str, attempt: int = 1) -> list[str]:
    """The argv after the interpreter: the workload script with every parameter spelled out.

    `--lease`: the workload ends itself when its standard input, the lifeline, ends.
    """
    flags = {
        "data": data_path,
        "data-kind": data.kind,
        "out": out,
        "job": job.id,
        "attempt": attempt,
        "epochs": job.epochs,
        "batch-size": job.batch_size,
        "train": job.train,
        "validation": job.validation,
        "seed": job.seed,
        "threads": job.threads,
        "variant": job.variant,
        "initial-weights": "equal" if job.variant == "faithful" else "framework",
    }
    argv = ["-B", script, job.workload]
    for flag, value in flags.items():
        argv += [f"--{flag}", str(value)]
    return [*argv, "--lease"]


def job_environment(job: Job, backend: Backend) -> dict[str, str]:
    """The variables that select the backend and limit its threads."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.threads))
    return {
        **threads,
        "KERAS_BACKEND": backend.name,
        "PYTHONHASHSEED": str(job.seed),
        "PYTHONUNBUFFERED": "1",
        **backend.env,
    }
