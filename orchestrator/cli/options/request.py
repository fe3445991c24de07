"""What was typed, as a request for the rooms below: a configuration with options on top, and how it is carried out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from orchestrator.errors import UserError
from orchestrator.files import is_python
from orchestrator.model import Plan
from orchestrator.plan.config import Config, load_config, on_top
from orchestrator.plan.request import BuildSettings, ResumeRequest, RunRequest, budget_of
from orchestrator.text import public

#: Options of the command line -> fields of the configuration's `slurm`.
SLURM_NAMES = {"partition": "partition", "account": "account", "gpu_type": "gpu_type", "sbatch_options": "options"}
#: Each of the other fields of a configuration has an option of its name.
CONFIG_NAMES = tuple(name for name in Config.__struct_fields__ if name not in ("version", "description", "slurm"))


def configured(given: Mapping[str, Any]) -> Config:
    """The configuration named by --config with the other options on top. Raises UserError."""
    changes = {name: given.get(name) for name in CONFIG_NAMES}
    if given.get("files"):
        changes["workloads"] = (*given["workloads"], *map(own_file, given["files"]))
    changes = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
    changes["slurm"] = _slurm({name for name in SLURM_NAMES if given[name]}, given)
    return on_top(load_config(given["config"]), **changes)


def own_file(word: str) -> str:
    """A word that is not an option as the file of one's own that it must be."""
    if not is_python(word):
        raise UserError(f"{word!r} is neither a verb nor a file of Python", _instead(word))
    if not Path(word).is_file():
        raise UserError(f"there is no file {word}", "name a Keras script, such as ./my.py")
    return word


def _instead(word: str) -> str:
    """What to give in place of a word that is no file of Python."""
    if word.lower().endswith(".ipynb"):
        return f"make a script of the notebook: jupyter nbconvert --to script {shlex.quote(word)}"
    if Path(word).is_dir():
        return f"name the script in this folder: orchestrate {shlex.quote(str(Path(word) / 'my.py'))}"
    return "a script of your own: orchestrate my.py"


def explicit(ctx: click.Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration the user typed: `config` (the preset or file, decoded) and single options."""
    names = {name for name in ("config", *CONFIG_NAMES, *SLURM_NAMES) if _is_typed(ctx, name)}
    typed = {n: list(given[n]) if isinstance(given[n], tuple) else given[n] for n in names - set(SLURM_NAMES)}
    if names & set(SLURM_NAMES):
        typed["slurm"] = _slurm(names & set(SLURM_NAMES), given)
    if "config" in typed:
        typed["config"] = load_config(given["config"])
    return typed


def _is_typed(ctx: click.Context, name: str) -> bool:
    default = (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.DEFAULT_MAP, None)
    return ctx.get_parameter_source(name) not in default


def _slurm(names: set[str], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The single fields of `slurm` that were given, None for none."""
    fields = {SLURM_NAMES[name]: given[name] for name in sorted(names)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in fields.items()} or None


def run_request(given: Mapping[str, Any]) -> RunRequest:
    """The request for a new run. Raises UserError for a value that a run could not use."""
    return RunRequest(config=configured(given), **_common(given))


def resume_request(given: Mapping[str, Any], run: str, typed: Mapping[str, object], **choice: Any) -> ResumeRequest:
    """The request to go on with a recorded run; `typed` is what the user typed of a configuration (see `explicit`)."""
    return ResumeRequest(run=run, typed=typed, **choice, **_common(given))


def replay_request(given: Mapping[str, Any], config: Config, plan: Plan, setup: Mapping[str, str | None]) -> RunRequest:
    """The request to run the jobs of a recorded plan again, with the Keras of its `setup` unless another is named."""
    common = _common(given)
    spec = setup.get("keras_spec") if common["keras_spec"] is None else common["keras_spec"]
    return RunRequest(config=config, seed_plan=plan, **{**common, "keras_spec": spec or None})


def _common(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of every request, as far as the verb has options for them."""
    names = ("out", "root", "data_dir", "until")
    fields = {name: given[name] for name in names if given.get(name) is not None}
    if "base_mode" in given:
        fields["build"] = build_settings(given)
    if "budget" in given:
        fields["budget_s"] = budget_of(given["until"], given["budget"])
    may = {"may_fetch": not given.get("no_fetch"), "may_build": not given.get("no_build")}
    spec = absolute_spec(given.get("keras_spec"))
    return {**fields, **may, "keras_spec": spec, "command": command_line()}


def build_settings(given: Mapping[str, Any]) -> BuildSettings:
    names = ("base_mode", "base_image", "ca_bundle", "pip_index_url", "debian_mirror", "no_cache")
    cuda = ("without_cuda", "cuda_dir", "cuda_base")
    return BuildSettings(cuda_routes=list(given["cuda_routes"]), **{name: given[name] for name in (*names, *cuda)})


def absolute_spec(spec: str | None) -> str | None:
    """What replaces Keras; a folder or file by its absolute path, as a run goes on from any folder and any node."""
    here = spec is not None and (spec == "." or "/" in spec) and Path(spec).exists()
    return str(Path(str(spec)).absolute()) if here else spec


def command_line() -> str:
    """The command as it was typed, without secrets; the report quotes it."""
    return shlex.join(["orchestrate", *map(public, sys.argv[1:])])
