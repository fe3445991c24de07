"""What click finds wrong with a command line, in the one form that errors have here: what is wrong, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import click

from orchestrator.cli.options.command import WORDS
from orchestrator.errors import UserError
from orchestrator.files import is_python


def in_our_words(error: click.ClickException) -> UserError:
    """The same mistake as one of ours."""
    ctx = getattr(error, "ctx", None)
    more = f"`{ctx.command_path} --help` explains it" if ctx else "`orchestrate --help` explains it"
    match error:
        case click.NoSuchOption():
            return UserError(f"there is no option {error.option_name}", _instead_of(error.option_name, ctx) or more)
        case click.MissingParameter():
            return UserError(f"{_name(error)} is missing", more)
        case click.BadParameter():
            return UserError(f"{_name(error)}: {_sentence(error.message)}", _expected(error) or more)
        case click.BadOptionUsage():
            said = _sentence(error.message).rpartition("' ")[2]
            return UserError(f"{error.option_name}: {said}", more)
        case click.UsageError():
            return UserError(_sentence(error.message), _verb(error.message, ctx) or more)
    return UserError(_sentence(error.format_message()), more)


def _instead_of(option: str, ctx: click.Context | None) -> str:
    """The option that was probably meant; for a script of one's own, how its own options are given."""
    known = [flag for parameter in (ctx.command.params if ctx else []) for flag in parameter.opts]
    close = _closest(option, (flag for flag in known if flag.startswith("--")), 0.7)
    own = [word for word in (ctx.meta.get(WORDS) if ctx else None) or () if is_python(word)]
    if close:
        return f"did you mean {close}?"
    return f"an option of the script comes after `--`: orchestrate {own[0]} -- {option}" if own else ""


def _verb(message: str, ctx: click.Context | None) -> str:
    """The verb that was probably meant."""
    if not message.startswith("No such command") or ctx is None or not isinstance(ctx.command, click.Group):
        return ""
    close = _closest(message.split("'")[1], ctx.command.list_commands(ctx))
    return f"did you mean {close}?" if close else ""


def _closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    return next(iter(difflib.get_close_matches(word, list(known), 1, cutoff)), "")


def _name(error: click.BadParameter) -> str:
    if error.param is not None:
        return error.param.opts[-1] if isinstance(error.param, click.Option) else error.param.human_readable_name
    return str(error.param_hint or "the command line")


def _expected(error: click.BadParameter) -> str:
    """What the parameter takes; "" where the message says so already."""
    kind = error.param.type if error.param is not None else None
    match kind:
        case click.Choice():
            close = _closest(error.message.partition("'")[2].partition("'")[0], map(str, kind.choices))
            return f"did you mean {close}?" if close else ""
        case click.Path():
            return "name a folder that is there" if not kind.file_okay else "name what is there"
    return ""


def _sentence(text: str) -> str:
    """A message of click's as part of a sentence: `No such command 'x'.` -> `no such command 'x'`."""
    return text[:1].lower() + text[1:].rstrip(".")
