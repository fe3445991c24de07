"""The command `orchestrate`: finds the verb, and turns errors made for people into one line and an exit code."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from pathlib import Path
from typing import Any

import click

from orchestrator import __version__, ownership, streams
from orchestrator.errors import HostError, OrchestrateError, UserError
from orchestrator.files import is_python, is_text

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
#: Each verb is the command of its name in cli/verbs/<verb>.py. `--help` lists them in this order with these lines,
#: which are the first of their own help: nobody waits for all of them to be loaded.
VERBS = {
    "run": "Measure every job of a configuration and report.",
    "plan": "Show what would run, and what it takes.",
    "doctor": "Check whether this host can run a configuration.",
    "report": "Report recorded runs again.",
    "compare": "Compare two runs, cell by cell.",
    "trend": "Follow every cell from night to night.",
    "merge": "Merge runs of any hosts into one set.",
    "query": "Run an SQL query over a merged set or a run.",
    "replay": "Repeat a recorded run, or one job of it.",
    "verify": "Check the files of a recorded run.",
    "validate": "Check how reliable verdicts are at some noise.",
    "list": "List stacks, workloads, presets, runs on record, or published figures.",
    "new": "Write the file of a stack or a workload, to begin with.",
    "lock": "Lock the packages of a stack anew, with hashes.",
    "build": "Build the images of stacks that are out of date.",
    "images": "List images, and carry them to hosts without a network.",
    "data": "Fetch, check and list the data sets (mnist, cifar10, babi).",
    "attach": "Collect a run that goes on on a cluster.",
    "watch": "Watch a run that goes on, from another terminal.",
    "clean": "Remove what killed runs left.",
    "render": "Write Dockerfiles and compose.yaml from stacks.yaml.",
}

#: `--option=`, and the options for which nothing is a value.
EMPTY_VALUE = re.compile(r"--[a-z][a-z-]*=\Z")
MAY_BE_EMPTY = ("--keras-spec",)


class Verbs(click.Group):
    """Loads a verb when it is used, so that none waits for what another one imports. Options alone mean `run`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        found = vars(importlib.import_module(f"orchestrator.cli.verbs.{name}")).values()
        return next(command for command in found if isinstance(command, click.Command) and command.name == name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if not is_text(word):
                raise UserError(f"{word!r} is no text in {sys.getfilesystemencoding()}", "use another name")
        _refuse_empty(args)
        if args and args[0] not in VERBS and (is_python(args[0]) or Path(args[0]).exists()):
            args = ["run", *args]
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click takes it for a reader of ours that is gone, and would be silent
            raise HostError(f"a connection broke: {error}", "try again; `run --resume` goes on with a run") from error


def _refuse_empty(args: list[str]) -> None:
    """An empty word is a variable that was not set: `--resume "$RUN"` must not start another run."""
    ours = args[: args.index("--")] if "--" in args else args  # what follows is a script's own
    for before, word in itertools.pairwise(["", *ours]):
        option = before if word == "" else word.removesuffix("=") if EMPTY_VALUE.match(word) else None
        if option is not None and option not in MAY_BE_EMPTY:
            raise UserError(
                f"an empty word after {option!r}" if option else "the first word is empty",
                "is a variable without a value? Leave the option out, or name what is meant",
            )


@click.group(cls=Verbs, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="orchestrate")
def cli() -> None:
    """Compare Keras backends: the same scripts in many stacks, one report. Without a verb it is `run`.

    \b
    Examples:
      orchestrate                         everything this host can run
      orchestrate my.py --repeats 5       a script of yours, on every backend
      orchestrate --config azure-nc6      the 2017 article's comparison, on a GPU
      orchestrate plan --config smoke     what would run, and for how long
      orchestrate --workload mnist_mlp --backend theano --repeats 3

    Exit codes: 0 every job ok, 1 some job failed, 2 a mistake in what was asked, 3 this host lacks
    what it needs, 130 stopped by Ctrl-C. `orchestrate VERB --help` explains a verb.
    """


def main() -> None:
    """Entry point: errors made for people become one line and a hint, everything else a traceback."""
    streams.secure()
    ownership.spare_others()
    raise SystemExit(_code())


def _code() -> int:
    """Carries out the command; gives its exit code."""
    try:
        code = _carried_out()
        loss = streams.take_loss()
        if loss and code == 0:  # what was asked for has not arrived
            raise HostError(f"standard output could not be written: {loss}", "write it elsewhere")
        return code
    except OrchestrateError as error:
        from orchestrator.cli.console import say_error  # Rich comes along, which help and version need not wait for

        say_error(error)
        return error.exit_code


def _carried_out() -> int:
    try:
        Path.cwd()
    except OSError as error:
        raise HostError(f"the folder that you are in cannot be found: {error.strerror}", "change to another") from error
    try:
        code = cli.main(prog_name="orchestrate", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except click.exceptions.Abort:
        from orchestrator.cli.console import console

        console.print("stopped")
        return 130
    except click.ClickException as error:
        from orchestrator.cli.mistakes import in_our_words  # every option comes along

        raise in_our_words(error) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise HostError(f"{error.filename}: {error.strerror}") from error
    except MemoryError as error:
        raise HostError("out of memory", "give it more (ulimit -v), or ask for less at once") from error
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("orchestrator"):
            raise  # ours
        raise HostError(
            f"the package {error.name} is missing", "install keras-orchestrate anew: pip install"
        ) from error
