"""What a user asks for, as plain data: a new run, or going on with a recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from orchestrator.errors import UserError
from orchestrator.model import Noun, Plan
from orchestrator.plan.config import Config, parse_duration

#: Seconds after which `until` starts no new repeats, where nobody says how long.
BUDGET_S = 1800


class BuildSettings(Noun, frozen=True, kw_only=True):
    """How images are built on this host. None takes the environment variable that pip itself would read."""

    base_mode: Literal["auto", "pull", "bootstrap"] = "auto"
    #: Another base image instead of the pinned one; overrides `base_mode`.
    base_image: str | None = None
    #: PEM file of certificate authorities that the build needs; never part of the image.
    ca_bundle: str | None = None
    debian_mirror: str | None = None
    #: Where CUDA files come from instead of the sources in docker/cuda.yaml: a folder, an image, sources by name.
    cuda_dir: str | None = None
    cuda_base: str | None = None
    cuda_routes: list[str] = []
    #: GPU images without CUDA files: for the backends that bring their own.
    without_cuda: bool = False
    pip_index_url: str | None = None
    pip_extra_index_url: str | None = None
    pip_find_links: str | None = None
    pip_trusted_host: str | None = None
    #: Build every step again, and even if an image of the same recipe is there.
    no_cache: bool = False
    #: Where the whole output of each build is kept; None is the user's cache folder.
    log_dir: str | None = None


class Request(Noun, frozen=True, kw_only=True):
    """What new and resumed runs have in common: where things lie, and what may be done to get the rest."""

    #: Where runs are kept.
    out: Path
    #: A folder with docker/ and workloads/ instead of the package's own.
    root: Path | None = None
    data_dir: Path | None = None
    build: BuildSettings = BuildSettings()
    may_fetch: bool = True
    may_build: bool = True
    #: What replaces the locked Keras: anything that pip installs, or a folder by its absolute path.
    keras_spec: str | None = None
    #: Repeat each cell until its time is known to this share, for at most `budget_s` seconds.
    until: float | None = None
    budget_s: int = BUDGET_S
    #: The command as it was typed. A new run keeps it, and reports quote it.
    command: str = ""


class RunRequest(Request, frozen=True, kw_only=True):
    """A run of a configuration."""

    config: Config
    #: What an hour of the machine costs, in whatever currency; None: reports have no money.
    price: float | None = None
    #: A plan whose jobs are run instead of those that the configuration makes (a replay).
    seed_plan: Plan | None = None


class ResumeRequest(Request, frozen=True, kw_only=True):
    """Going on with a recorded run: its folder, its id below `out`, or `latest`."""

    run: str
    #: Failed, timed-out and oom jobs run again.
    retry_failed: bool = False
    #: Results whose image, data or scripts changed since run again; otherwise such a run is refused.
    rerun_changed: bool = False
    #: Cancelled jobs stay cancelled.
    keep_cancelled: bool = False
    #: What the user typed of a configuration, by its fields; `config` is a whole one. It must not contradict the run.
    typed: Mapping[str, object] = {}


def budget_of(until: float | None, budget: str | None) -> int:
    """Seconds of a budget in words. Raises UserError for one that would bound nothing."""
    if budget is None:
        return BUDGET_S
    seconds = parse_duration(budget)
    if until is None:
        raise UserError(
            "a budget bounds the repeats of `until`, which is not given", "give it, or leave the budget out"
        )
    return seconds


def refuse_price(price: float | None, mode: str) -> None:
    """Raises UserError for a price of what is not trained, of which no money is worked out."""
    if price is not None and mode != "train":
        raise UserError(f"a price is for training: money is not worked out for `{mode}`", "leave the price out")
