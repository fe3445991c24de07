"""The option --price: what an hour of the machine costs, as a number without a currency."""

from __future__ import annotations

import re

import click

#: More would not be a price, and no amount could be read.
MOST = 1_000_000.0
_FORM = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)/h\Z", re.ASCII)


class Price(click.ParamType):
    """`0.90/h` as 0.9."""

    name = "price"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = _FORM.match(str(value))
        if found is None or not 0 < float(found[1]) <= MOST:
            self.fail(f"{str(value)[:40]!r} is no price; write what one hour costs, such as 0.90/h", param, ctx)
        return float(found[1])


PRICE = click.option(
    "--price",
    type=Price(),
    metavar="N/h",
    help="What the machine costs per hour, such as 0.90/h, in any currency: the report then has money per epoch.",
)
