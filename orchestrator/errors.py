"""The three ways to fail, told apart.

The user's mistake and the environment's are one line plus what to do; a failing job is data
(a `Result`); anything else is our bug and stays a traceback.
"""

from __future__ import annotations


class OrchestrateError(Exception):
    """A failure with a message for people, a hint what to do next, and an exit code."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UserError(OrchestrateError):
    """The user's mistake: a wrong name, a wrong value, a file that is not there (exit code 2)."""

    exit_code = 2


class HostError(OrchestrateError):
    """The environment's fault: no engine, no GPU, no network, a full disk (exit code 3)."""

    exit_code = 3


class DeviceRefused(HostError):
    """A device that must not be used (any more): in a stranger's use, or lost. Its jobs go to other devices."""
