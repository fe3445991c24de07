"""The options that commands share, and how they become a configuration."""

from __future__ import annotations

import functools
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import click

from orchestrator.errors import UserError
from orchestrator.files import is_python
from orchestrator.launchers.gpu_routes import ROUTES
from orchestrator.launchers.runtimes import LAUNCHERS, WEAKENABLE
from orchestrator.model import MOST_EPOCHS, MOST_THREADS, Plan
from orchestrator.plan.config import Config, ExecutorName, everything, load_config, override, parse_duration
from orchestrator.plan.request import BuildSettings, ResumeRequest, RunRequest
from orchestrator.text import public

Decorator = Callable[[Any], Any]
PLAIN_NUMBER = re.compile(r"\d+(\.\d*)?\Z", re.ASCII)
_HOST, _PATH = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?", r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_TAG, _DIGEST = r"\w[\w.-]{0,127}", r"sha256:[0-9a-f]{64}"
#: A name of data for a file of one's own: a file name, and a part of a variable's name.
DATA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z", re.ASCII)
IMAGE_REFERENCE = re.compile(rf"(?:{_HOST}/)?{_PATH}(?:/{_PATH})*(?::{_TAG})?(?:@{_DIGEST})?\Z", re.ASCII)


def options(*decorators: Decorator) -> Decorator:
    """Several click decorators as one, in the order given."""
    return lambda command: functools.reduce(lambda f, decorate: decorate(f), reversed(decorators), command)


def _glob(flag: str, name: str, help_: str) -> Decorator:
    return click.option(flag, name, multiple=True, metavar="GLOB", help=help_)


def _folder(flag: str, **more: Any) -> Decorator:
    exists = more.pop("exists", False)
    kind = click.Path(exists=exists, file_okay=False, path_type=Path)
    return click.option(flag, type=kind, **more)


FILTERS = options(
    click.option(
        "--stack",
        "stacks",
        multiple=True,
        metavar="GLOB|FILE",
        help="Only stacks whose name matches; FILE.yaml is a stack of your own (docs/STACKS.md).",
    ),
    _glob("--backend", "backends", "Only backends whose name matches."),
    _glob("--workload", "workloads", "Only workloads whose name matches."),
)
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    help="What jobs compute on; auto takes a GPU where there is one.",
)

LAUNCHER = click.option(
    "--launcher",
    metavar="|".join((*LAUNCHERS, "FILE")),
    help="How jobs are started; FILE describes a container runtime of your own.",
)


def percent(value: Any) -> float:
    """`5%` as a share. The sign is asked for: 5 could mean 500 %, and 0.5 half of one."""
    if isinstance(value, float):
        return value  # the default of an option
    text = str(value).strip()
    number = text.removesuffix("%").rstrip()
    share = float(number) / 100 if text.endswith("%") and PLAIN_NUMBER.match(number) else -1.0
    if not 0 <= share < 10:
        raise click.BadParameter(f"{text!r} is no percentage: write it with its sign, such as 5%")
    return share


def bound(value: Any) -> float:
    """A percentage that can be reached: above 0 %, below 100 %."""
    share = percent(value)
    if not 0 < share < 1:
        raise click.BadParameter(f"{value!r} is no bound: it lies above 0% and below 100%")
    return share


def image_reference(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The name of an image: [host[:port]/]path[:tag][@sha256:digest]."""
    if value is not None and not IMAGE_REFERENCE.match(value):
        raise click.BadParameter(
            f"{value!r} is no name of an image: write it like debian:bullseye-slim", ctx, parameter
        )
    return value


def named_paths(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """`NAME=PATH` words as paths by name, each of which is there."""
    found: dict[str, str] = {}
    for word in value:
        name, sign, path = word.partition("=")
        if not sign or not DATA_NAME.match(name) or not path:
            raise click.BadParameter(f"{word!r} is not NAME=PATH, such as images=/data/cats", ctx, parameter)
        if not (Path(path).is_file() or Path(path).is_dir()):
            what = "neither a file nor a folder" if Path(path).exists() else "not there"
            raise click.BadParameter(f"{path} is {what}", ctx, parameter)
        if name in found:
            raise click.BadParameter(f"{name} is named twice", ctx, parameter)
        found[name] = path
    return found


GPUS = options(
    click.option(
        "--gpu",
        "gpus",
        multiple=True,
        metavar="NUMBER|UUID",
        help="Only this GPU; may be given several times.  [default: all that CUDA_VISIBLE_DEVICES leaves]",
    ),
    click.option(
        "--sample-hz",
        type=click.FloatRange(0, 100),
        metavar="HZ",
        help="Readings of each GPU a second, from outside of the jobs.  [default: 5]",
    ),
    click.option(
        "--no-sampling", "sample_hz", flag_value=0.0, type=float, help="Read no GPU while jobs run: no figures of GPUs."
    ),
)


def image_names(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of images, or files of images by their paths."""
    return tuple(word if Path(word).is_file() else str(image_reference(ctx, parameter, word)) for word in value)


CONFIGURATION = options(
    click.option(
        "--config",
        "-c",
        default="all",
        show_default=True,
        metavar="NAME|PATH",
        help="Configuration: a preset or a YAML file.",
    ),
    FILTERS,
    click.option(
        "--python",
        "pythons",
        multiple=True,
        metavar="PATH|same",
        help="An interpreter that is there, with the Keras that it has, in place of the stacks (docs/FOUND.md).",
    ),
    click.option(
        "--image",
        "images",
        multiple=True,
        metavar="NAME",
        callback=image_names,
        help="An image that is there, with the Keras that it has, in place of the stacks (docs/FOUND.md).",
    ),
    click.option(
        "--with",
        "additions",
        multiple=True,
        metavar="PACKAGE",
        help="With --python or --image: a package beside what is there, such as keras==3.15.1.",
    ),
    _glob(
        "--exclude", "exclude", "Leave out jobs whose id (as `plan` prints it) matches; they are listed as excluded."
    ),
    DEVICE,
    LAUNCHER,
    click.option("--executor", type=click.Choice(get_args(ExecutorName)), help="Where jobs run.  [default: local]"),
    click.option("--partition", metavar="NAME", help="Slurm: partition to use."),
    click.option("--account", metavar="NAME", help="Slurm: account to charge."),
    click.option("--gpu-type", metavar="NAME", help="Slurm: only GPUs of this type, by the site's name for it."),
    click.option(
        "--sbatch-option",
        "sbatch_options",
        multiple=True,
        metavar="--NAME=VALUE",
        help="Slurm: a further option for sbatch.",
    ),
    click.option(
        "--scale",
        metavar="NAME",
        help="Amount of data and epochs: smoke, quick, gpu or article.  [default: article on a GPU, else quick]",
    ),
    click.option(
        "--variant",
        "variants",
        multiple=True,
        type=click.Choice(["faithful", "modern"]),
        help="Settings of 2017 (faithful) or today's defaults (modern, Keras 3 only); both may be given.",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(1),
        help="Repeats of each backend on each workload, each in a fresh process.  [default: 1]",
    ),
    click.option(
        "--deterministic",
        is_flag=True,
        default=None,
        help="Ask each library for the same results each time, which costs speed; never compared with runs without.",
    ),
    click.option("--epochs", type=click.IntRange(1, MOST_EPOCHS), help="Epochs per job, in place of the scale's."),
    click.option("--timeout", metavar="90s|10m|2h", help="Time limit per job, instead of the scale's."),
    click.option(
        "--seed", type=click.IntRange(0, 2**31 - 1), help="Random seed for job order, shuffling and initial weights."
    ),
    click.option(
        "--threads", type=click.IntRange(1, MOST_THREADS), help="CPU threads per job.  [default: all cores but one]"
    ),
    click.option(
        "--parallel",
        type=click.IntRange(1, MOST_THREADS),
        help="Jobs to run at the same time on the CPU; on GPUs it is one per GPU.  [default: 1]",
    ),
    click.option(
        "--memory",
        metavar="512m|4g",
        help="Memory limit per container.  [default: an equal share of the host's memory]",
    ),
    click.option(
        "--gpu-route", type=click.Choice(ROUTES), help="Mechanism that passes a GPU to a container.  [default: auto]"
    ),
    click.option(
        "--weaken",
        multiple=True,
        type=click.Choice(WEAKENABLE),
        help="Drop one restriction of the containers (docs/RUNTIMES.md); recorded with every result.",
    ),
    click.option(
        "--allow-busy", is_flag=True, default=None, help="Also use GPUs that other processes use; such rows are marked."
    ),
    GPUS,
)
FILES = options(
    click.argument("files", nargs=-1, metavar="[FILE]..."),
    click.option(
        "--steps", type=click.IntRange(1), help="With FILE: the most batches of an epoch.  [default: all of its data]"
    ),
    click.option(
        "--data",
        multiple=True,
        metavar="NAME=PATH",
        callback=named_paths,
        help="With FILE: data that it reads, by the name that it uses; shown to it read-only.",
    ),
    click.option(
        "--network", is_flag=True, default=None, help="With FILE: let it use the network; recorded with every result."
    ),
)
ROOT = _folder("--root", exists=True, help="Folder with docker/ and workloads/ in place of the built-in ones.")
OUT = _folder("--out", default=Path("results"), show_default=True, help="Folder that runs are kept in.")
DATA_DIR = _folder("--data-dir", exists=True, help="Folder with data sets; it is only read.")
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output, and nothing else there."
)
KERAS_SPEC = click.option(
    "--keras-spec",
    metavar="SPEC",
    help="Another Keras for today's stacks (process launcher): 'keras @ git+...' or a folder; '' is the locked one.",
)
UNTIL = options(
    click.option(
        "--until",
        type=bound,
        metavar="2%",
        help="Repeat each cell until the 95 % interval of its time is within +-2 %.",
    ),
    click.option(
        "--budget",
        default="30m",
        show_default=True,
        metavar="30m",
        help="With --until: time after which no new repeats start.",
    ),
)
RESUME = options(
    click.option("--resume", metavar="RUN", help="Continue a run: its folder, its id, or `latest`."),
    click.option(
        "--retry-failed", is_flag=True, help="With --resume: also run failed, timed-out and out-of-memory jobs again."
    ),
    click.option(
        "--rerun-changed",
        is_flag=True,
        help="With --resume: run jobs again whose scripts, image or data changed, instead of refusing.",
    ),
)
BUILD = options(
    click.option(
        "--base",
        "base_mode",
        type=click.Choice(["auto", "pull", "bootstrap"]),
        default="auto",
        show_default=True,
        help="Base image: pull it, or bootstrap it from Debian packages; auto pulls where a registry answers.",
    ),
    click.option(
        "--base-image", metavar="IMAGE", callback=image_reference, help="Base image to use instead of the pinned one."
    ),
    click.option(
        "--ca-bundle",
        type=click.Path(exists=True, dir_okay=False),
        help="CA certificates for package indexes, for hosts behind a proxy.  [default: $PIP_CERT or its like]",
    ),
    click.option(
        "--pip-index-url", metavar="URL", help="Package index for images and environments.  [default: $PIP_INDEX_URL]"
    ),
    click.option("--debian-mirror", metavar="URL", help="Debian mirror for the build."),
    click.option("--no-cache", is_flag=True, help="Rebuild every layer of the images."),
    click.option(
        "--without-cuda",
        is_flag=True,
        help="Build GPU images without CUDA 8: only for backends whose wheels contain CUDA (CNTK).",
    ),
    click.option(
        "--cuda-dir",
        type=click.Path(exists=True, file_okay=False),
        help="Folder to take CUDA 8 files from, such as an unpacked toolkit; no other source is tried.",
    ),
    click.option("--cuda-base", metavar="IMAGE", callback=image_reference, help="Image to take CUDA 8 files from."),
    click.option(
        "--cuda-route",
        "cuda_routes",
        multiple=True,
        metavar="NAME",
        help="Source of CUDA 8 files, by its name in docker/cuda.yaml; no other is tried.",
    ),
)
#: Options of the command line -> fields of the configuration's `slurm`.
SLURM_NAMES = {"partition": "partition", "account": "account", "gpu_type": "gpu_type", "sbatch_options": "options"}
#: Each of the other fields of a configuration has an option of its name.
CONFIG_NAMES = tuple(name for name in Config.__struct_fields__ if name not in ("version", "description", "slurm"))


def configured(given: Mapping[str, Any]) -> Config:
    """The configuration named by --config with the other options on top. Raises UserError."""
    changes = {name: given.get(name) for name in CONFIG_NAMES}
    if given.get("files"):
        changes["workloads"] = (*given["workloads"], *map(own_file, given["files"]))
    if given.get("pythons") or given.get("images"):  # a preset's stacks were not typed; `*` means those of the catalog
        changes["stacks"] = ["?*" if name == "*" else name for name in given["stacks"]] or everything()
    changes = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
    changes["slurm"] = _slurm({name for name in SLURM_NAMES if given[name]}, given)
    return override(load_config(given["config"]), **changes)


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


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


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
        fields["budget_s"] = parse_duration(given["budget"])
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
