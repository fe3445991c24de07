"""What a program may give, in the types of other libraries, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from orchestrator.api import given
from orchestrator.errors import UserError
from orchestrator.plan.config import Config


def test_numbers_of_numpy_are_numbers_and_iterables_are_lists() -> None:
    assert given.varied({"batch_size": np.array([32, 64]), "jit": "on", "drop": np.float64(0.5)}) == {
        **{"batch_size": [32, 64], "jit": ["on"]},
        "drop": [0.5],
    }
    assert type(given.varied({"n": np.int64(3)})["n"][0]) is int
    assert given.share("until", np.float32(0.5)) == 0.5 and given.price(2) == 2
    assert given.plain({"data": (Path("a"), {1})}) == {"data": ["a", [1]]}


def test_names_are_one_or_several_texts_or_paths() -> None:
    assert given.names("workloads", Path("a.py")) == ["a.py"] == given.names("workloads", (each for each in ["a.py"]))
    assert given.names("workloads", []) == []
    for wrong in (5, b"x", {"a": 1}, [b"x"], ["a\0"], [None]):
        with pytest.raises(UserError, match=r"^workloads: "):
            given.names("workloads", wrong)


def test_an_empty_list_is_refused_only_where_something_would_be_taken_instead() -> None:
    given.refuse_empty(Config(), {"exclude": [], "gpus": [], "workloads": ["a"]})
    for config, empty in ((Config(), {"backends": []}), (Config(vary={"jit": ["on"]}), {"vary": {}})):
        with pytest.raises(UserError, match="nothing is named"):
            given.refuse_empty(config, empty)


def test_a_long_value_is_quoted_in_part() -> None:
    with pytest.raises(UserError) as caught:
        given.flag("fetch", "x" * 10_000)
    assert len(caught.value.message) < 200
