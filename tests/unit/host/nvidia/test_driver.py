"""Calls of the driver by what there is: newer and older names, what is not supported, what is lost."""

from __future__ import annotations

import pytest

from orchestrator.host.cards import GpuLost
from orchestrator.host.nvidia.driver import Driver, text
from tests.fakes.nvml_binding import Mismatch, library, refuse


def mismatch(*arguments):
    raise Mismatch


@pytest.mark.parametrize(
    "newer",
    [refuse(13), mismatch, None],
    ids=["not in the driver", "not of the binding's version", "not in the binding"],
)
def test_the_older_name_serves_where_the_newer_is_not_there(newer):
    functions = {"nvmlOlder": lambda: 7, **({"nvmlNewer": newer} if newer else {})}
    driver = Driver(library(**functions))
    assert [driver.ask("nvmlNewer|nvmlOlder") for _ in range(2)] == [7, 7]


def test_the_one_that_answered_is_asked_from_then_on_until_it_is_forgotten():
    asked = []
    driver = Driver(library(nvmlNewer=lambda: asked.append("newer") or 1, nvmlOlder=lambda: asked.append("older")))
    driver.ask("nvmlNewer|nvmlOlder")
    driver.n.nvmlNewer = refuse(13)
    assert driver.ask("nvmlNewer|nvmlOlder") is None, "it is there, so the older one is not asked"
    driver.forget("nvmlNewer|nvmlOlder")
    driver.ask("nvmlNewer|nvmlOlder")
    assert asked == ["newer", "older"]


@pytest.mark.parametrize("code", [3, 999])
def test_what_a_card_does_not_have_is_none_and_no_reason_to_ask_another(code):
    driver = Driver(library(nvmlNewer=refuse(code), nvmlOlder=pytest.fail))
    assert driver.ask("nvmlNewer|nvmlOlder") is None


@pytest.mark.parametrize("code", [15, 16])
def test_a_card_that_is_gone_is_lost(code):
    with pytest.raises(GpuLost, match=f"error {code}"):
        Driver(library(nvmlOne=refuse(code))).ask("nvmlOne")


@pytest.mark.parametrize(("said", "numbers"), [(b"535.54.03", (535, 54, 3)), ("580.159.04", (580, 159, 4)), (b"", ())])
def test_the_version_is_numbers(said, numbers):
    assert Driver(library(nvmlSystemGetDriverVersion=lambda: said)).version() == numbers
    assert Driver(library()).version() == ()


def test_names_that_are_no_text_are_made_one():
    assert (text(b"\xffK80"), text("K80"), text(None)) == ("\ufffdK80", "K80", None)
