"""What goes wrong with a driver, as errors with words for people."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError
from orchestrator.host.cards import DriverHangs, NoDriver


def test_a_driver_that_is_not_there_is_told_from_one_in_trouble():
    assert [NoDriver("m", "h", absent).absent for absent in (True, False)] == [True, False]
    with pytest.raises(HostError) as caught:
        raise DriverHangs("it hangs", "reboot")
    assert (caught.value.message, caught.value.hint, caught.value.absent) == ("it hangs", "reboot", False)
