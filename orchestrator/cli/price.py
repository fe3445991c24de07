"""The option --price: what an hour of the machine costs, as a number without a currency."""

from __future__ import annotations

import re

import click

from orchestrator.cli.options.command import OUTPUT, option

#: More would not be a price, and no amount could be read.
MOST = 1_000_000.0
_FORM = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)/h\Z", re.ASCII)


def price_of(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """`0.90/h` as 0.9; None where nothing was typed."""
    if text is None:
        return None
    found = _FORM.match(text)
    if found is None or not 0 < float(found[1]) <= MOST:
        raise click.BadParameter(f"{text[:40]!r} is no price; write what one hour costs, such as 0.90/h")
    return float(found[1])


PRICE = option(
    OUTPUT,
    "--price",
    callback=price_of,
    metavar="N/h",
    help="What the machine costs per hour, such as 0.90/h, in any currency: money per epoch, too.  [default: none]",
)
