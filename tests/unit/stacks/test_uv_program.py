"""uv is found where its package put it, and missed in words."""

from __future__ import annotations

import os

import pytest

from orchestrator.errors import HostError
from orchestrator.stacks import uv_program


def test_uv_is_a_program():
    assert os.access(uv_program.uv_program(), os.X_OK)


def test_a_uv_that_is_gone_is_told_with_its_remedy(monkeypatch):
    def nowhere():
        raise FileNotFoundError("Could not find the uv binary in any of the following locations:\n - /a")

    monkeypatch.setattr("uv.find_uv_bin", nowhere)
    with pytest.raises(HostError) as caught:
        uv_program.uv_program()
    assert "\n" not in caught.value.message
    assert "pip install uv" in caught.value.hint
