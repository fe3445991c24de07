"""Messages about types, in words for people."""

from __future__ import annotations

import pytest

from orchestrator.errors import UserError
from orchestrator.plan.config import Config, override
from orchestrator.plan.mistyped import in_words


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"repeats": "5"}, "repeats: expected a whole number, got text", ""),
        ({"repeats": 0}, "repeats: expected a whole number from 1", ""),
        ({"threads": 10**9}, "threads: expected a whole number up to 4096", ""),
        ({"exclude": "x"}, "exclude: expected a list, got text", ""),
        ({"gpus": [0]}, "gpus[0]: expected text, got a whole number", ""),
        ({"arguments": ["x"] * 300}, "arguments: expected a list of at most 256", ""),
        ({"device": "tpu"}, "device: 'tpu' is none of the values that there are; there are: auto, cpu, gpu", ""),
        ({"sed": 3}, "Object contains unknown field `sed`", "did you mean 'seed'?"),
    ],
)
def test_a_wrong_value_is_named_without_jargon(changes: dict[str, object], said: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        override(Config(), **changes)
    assert (caught.value.message, caught.value.hint) == (said, hint)


def test_what_has_another_form_stays_as_it_is() -> None:
    assert in_words("something else") == "something else"
    assert in_words("Expected `int | float | null`, got `str`") == "expected a whole number or a number, got text"
