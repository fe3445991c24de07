"""Makes the jobs of a plan: which cells, how many repeats, in which order. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from orchestrator.errors import UserError
from orchestrator.model import MOST_JOBS, DeviceKind, Job, Mode, Noun, Scale, Skip, Stack, Workload
from orchestrator.plan import axes, natives
from orchestrator.plan.own import OWN, OWN_TIMEOUT_S
from orchestrator.stats.blocks import in_order
from orchestrator.text import plural, suggest


class PlanInput(Noun, frozen=True, kw_only=True):
    """A configuration with everything that depended on the host decided."""

    stacks: list[str]
    backends: list[str]
    workloads: list[str]
    variants: list[str]
    exclude: list[str]
    device: DeviceKind
    scale: str
    repeats: int
    epochs: int | None
    steps: int | None = None
    arguments: list[str] = []
    vary: dict[str, list[str]] = {}
    timeout_s: int | None
    seed: int
    threads: int
    deterministic: bool = False
    mode: Mode = "train"
    predict_batch: int | None = None


#: What may be a file of one's own, and how that is named.
OWN_FILES = {"workload": "a file of your own: orchestrate my.py", "stack": "a file of your own: --stack ./my.yaml"}


def select(patterns: Sequence[str], names: Iterable[str], what: str) -> list[str]:
    """The names that match any pattern, in catalogue order. A pattern that matches nothing is a mistake."""
    known = list(dict.fromkeys(names))
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            hints = [suggest(pattern, known), OWN_FILES.get(what)]
            raise UserError(f"no {what} is called {pattern!r}", "; ".join(filter(None, hints)))
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]


def select_stacks(patterns: Sequence[str], stacks: Sequence[Stack]) -> list[str]:
    """As `select`. `*` leaves out those of other years, which are asked for by name, by their pattern, or by `**`."""
    names = select(patterns, (stack.name for stack in stacks), "stack")
    asked = [pattern for pattern in patterns if pattern != "*"]
    years = {s.name for s in stacks if s.like and not any(fnmatchcase(s.name, pattern) for pattern in asked)}
    return [name for name in names if name not in years]


def select_backends(patterns: Sequence[str], stacks: Sequence[Stack]) -> list[str]:
    """As `select`. Those without Keras are asked for by their names, or by a pattern that fits them alone."""
    unasked = natives.unasked(patterns, stacks)
    return [name for name in select(patterns, natives.names(stacks), "backend") if name not in unasked]


def make_jobs(wanted: PlanInput, stacks: Sequence[Stack], workloads: Sequence[Workload]) -> list[Job]:
    """Every cell that `wanted` names, `repeats` times, in an order drawn from the seed.

    Repeats are blocks: each cell runs once before any runs again, and each block has an order of its own, so that
    slow changes of the machine affect all backends alike.
    """
    stack_names = select_stacks(wanted.stacks, stacks)
    chosen = [s for s in stacks if s.name in stack_names]
    backend_names = select_backends(wanted.backends, stacks)
    workload_names = select(wanted.workloads, (w.name for w in workloads), "workload")
    cells = [
        (workload, variant, stack, backend.name)
        for workload in workloads
        if workload.name in workload_names
        for stack in chosen
        for variant in _variants(wanted, workload, stack)
        for backend in (*stack.backends, *stack.plain)
        if backend.name in backend_names
    ]
    _refuse_untrained(wanted, [workload for workload, *_ in cells])
    if not cells and wanted.variants == ["modern"]:
        raise UserError(
            "nothing to run: the variant modern needs Keras 3", f"stacks {', '.join(stack_names)} have none"
        )
    if not cells:
        raise UserError(
            "nothing to run: no chosen stack has a chosen backend",
            f"stacks {', '.join(stack_names)}; backends {', '.join(backend_names)}; see `orchestrate list`",
        )
    its = [w for w in workloads if w.name in workload_names]
    vary = axes.folded(wanted.vary, its)
    axes.check(vary, its, wanted.device, wanted.scale, wanted.mode)
    varied = axes.combinations(vary)
    _refuse_too_many(len(cells) * len(varied), wanted.repeats)
    order = random.Random(wanted.seed)
    jobs: list[Job] = []
    for repeat in range(1, wanted.repeats + 1):
        jobs += in_order([_job(wanted, *cell, chosen, repeat) for chosen in varied for cell in cells], order)
    return jobs


def _refuse_untrained(wanted: PlanInput, workloads: Sequence[Workload]) -> None:
    """Raises UserError for what can only train, and for amounts of another mode."""
    if wanted.mode == "train":
        if wanted.predict_batch:
            raise UserError("--predict-batch is the batch of --mode predict", "add --mode predict")
        return
    if wanted.epochs or wanted.steps:
        raise UserError(f"--epochs and --steps are amounts of training, and --mode {wanted.mode} has none", "")
    if wanted.predict_batch and wanted.mode != "predict":
        raise UserError("--predict-batch is the batch of --mode predict", "tokens are made one at a time")
    if wanted.predict_batch and "batch_size" in wanted.vary:
        raise UserError("the batch size is varied and set", "leave --predict-batch or --vary batch_size out")
    scripts = [w.title for w in workloads if w.own is not None and w.own.contract == "script"]
    if scripts:
        raise UserError(
            f"{scripts[0]} is a script that trains: --mode {wanted.mode} needs a file with build() and data()",
            "docs/INFERENCE.md shows one",
        )
    if wanted.mode == "generate" and workloads and not any(workload.generates for workload in workloads):
        raise UserError("no chosen model makes tokens", "name one that declares GENERATE, such as --workload gpt")


def _refuse_too_many(cells: int, repeats: int) -> None:
    """Raises UserError before a plan is made that would fill the memory."""
    if cells * repeats > MOST_JOBS:
        raise UserError(
            f"{repeats:,} repeats of {plural(cells, 'cell')} are {cells * repeats:,} jobs, more than {MOST_JOBS:,}",
            f"lower --repeats: to {MOST_JOBS // cells:,} at most" if cells <= MOST_JOBS else "choose fewer cells",
        )


def split_excluded(jobs: Sequence[Job], exclude: Sequence[str]) -> tuple[list[Job], list[Skip]]:
    """Jobs to run, and those that a pattern over job ids leaves out."""
    kept: list[Job] = []
    skipped: list[Skip] = []
    for job in jobs:
        pattern = next((p for p in exclude if fnmatchcase(job.id, p)), None)
        if pattern is None:
            kept.append(job)
        else:
            skipped.append(Skip(job=job, status="excluded", reason=f"excluded by {pattern!r}"))
    return kept, skipped


def split_unable(
    jobs: Sequence[Job], stacks: Sequence[Stack], workloads: Sequence[Workload]
) -> tuple[list[Job], list[Skip]]:
    """Jobs that can do what their mode asks, and those that cannot, with the reason."""
    old = {stack.name for stack in stacks if stack.keras_major < 3}
    silent = {workload.name: workload.title for workload in workloads if not workload.generates}
    kept: list[Job] = []
    skipped: list[Skip] = []
    for job in jobs:
        reason = natives.why_not(job, workloads)
        if not reason and job.mode == "generate" and job.workload in silent:
            reason = f"{silent[job.workload]} makes no tokens: it declares no GENERATE (docs/INFERENCE.md)"
        elif not reason and job.mode == "generate" and job.stack in old:
            reason = "--mode generate needs Keras 3"
        if reason:
            skipped.append(Skip(job=job, status="unsupported", reason=reason))
        else:
            kept.append(job)
    return kept, skipped


def _variants(wanted: PlanInput, workload: Workload, stack: Stack) -> list[str]:
    """`modern` means today's defaults; a Keras before 3 has none.

    A file of one's own has one variant, and 2017's stacks run it where they are asked for by name.
    """
    if workload.own is not None:
        return ["own"] if not stack.article or wanted.stacks != ["*"] else []
    return [v for v in wanted.variants if v == "faithful" or stack.keras_major >= 3]


def _job(
    wanted: PlanInput,
    workload: Workload,
    variant: str,
    stack: Stack,
    backend: str,
    varied: dict[str, str],
    repeat: int,
) -> Job:
    name = wanted.scale if workload.own is None or wanted.scale in workload.scales else OWN
    scale = None if name == OWN else _scale(workload, name)
    return Job(
        workload=workload.name,
        variant=variant,  # type: ignore[arg-type]
        stack=stack.name,
        backend=backend,
        device=wanted.device,
        repeat=repeat,
        scale=name,
        epochs=None if wanted.mode != "train" else wanted.epochs or (scale.epochs if scale else None),
        steps=wanted.steps if workload.own else None,
        arguments=wanted.arguments if workload.own else [],
        mode=wanted.mode,
        axes=varied,
        batch_size=int(varied.get("batch_size", 0)) or wanted.predict_batch or workload.batch_size,
        train=scale.train if scale else None,
        validation=scale.validation if scale else None,
        # Repeats differ in their seed, backends do not: a repeat is a fresh draw for all of them alike.
        seed=(wanted.seed + repeat - 1) % 2**31,
        threads=int(varied.get("threads", wanted.threads)),
        deterministic=wanted.deterministic,
        timeout_s=wanted.timeout_s or (scale.timeout_s if scale else OWN_TIMEOUT_S),
        dataset=workload.dataset,
    )


def _scale(workload: Workload, name: str) -> Scale:
    if name not in workload.scales:
        raise UserError(f"workload {workload.name} has no scale {name!r}", suggest(name, workload.scales))
    return workload.scales[name]
