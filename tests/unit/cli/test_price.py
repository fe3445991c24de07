"""What --price takes, and what it refuses."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from orchestrator.cli.price import PRICE


@click.command()
@PRICE
def shown(price):
    click.echo(repr(price))


@pytest.mark.parametrize(("typed", "price"), [("0.90/h", "0.9"), ("2/h", "2.0"), ("1000000/h", "1000000.0")])
def test_a_price_is_a_number_per_hour(typed, price):
    assert CliRunner().invoke(shown, ["--price", typed]).output.strip() == price


def test_without_one_there_is_none():
    assert CliRunner().invoke(shown, []).output.strip() == "None"


@pytest.mark.parametrize("typed", ["0.9", "0/h", "-1/h", "1e9/h", "nan/h", "$2/h", "2/d", "9999999/h", "", "1/h\n"])
def test_anything_else_is_refused_with_an_example(typed):
    answer = CliRunner().invoke(shown, ["--price", typed])
    assert answer.exit_code == 2 and "such as 0.90/h" in answer.output.replace("\n", " ").replace("│", "")
