"""docs/FAULTS.md, docs/SECURITY.md and docs/GPU.md promise nothing that is not tested."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("page", ["FAULTS.md", "SECURITY.md", "GPU.md"])
def test_every_test_that_the_table_names_exists(page):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text()))
    code = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 20
    assert sorted(name for name in named if f"def {name}(" not in code) == []
