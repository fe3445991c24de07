"""Errors for people: message, hint, and one exit code for each kind."""

from __future__ import annotations

import pytest

from orchestrator.errors import DeviceRefused, HostError, OrchestrateError, UserError


@pytest.mark.parametrize(("kind", "code"), [(OrchestrateError, 1), (UserError, 2), (HostError, 3), (DeviceRefused, 3)])
def test_each_kind_has_its_exit_code(kind, code):
    error = kind("what", "what to do")
    assert (error.message, error.hint, error.exit_code) == ("what", "what to do", code)
    assert str(error) == "what"


def test_a_hint_is_not_needed_and_the_mistake_is_not_the_hosts_fault():
    assert UserError("what").hint == ""
    assert not issubclass(UserError, HostError)
    assert issubclass(DeviceRefused, HostError)
