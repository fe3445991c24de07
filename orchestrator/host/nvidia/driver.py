"""Calls of the NVIDIA driver's library, each by what the driver, the binding and the card have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.host.cards import GpuLost


class Driver:
    """The driver's library through its binding, `n`. `call` makes a call within a bound (bounded.py)."""

    def __init__(self, n: Any, call: Callable[..., Any] | None = None) -> None:
        self.n = n
        self.call = call or (lambda function, *arguments: function(*arguments))
        #: Of several functions for one reading, the one that this driver has answered: it is called from then on.
        self._known: dict[tuple[str, ...], str] = {}

    def ask(self, names: str, *arguments: Any) -> Any:
        """The answer of the first of these functions ("newer|older") that the driver and the binding have.

        None for whatever the card, the driver or the binding does not have. Raises GpuLost.
        """
        wanted = tuple(names.split("|"))
        known = self._known.get(wanted)
        for name in (known,) if known else wanted:
            function: Callable[..., Any] = getattr(self.n, name, _absent)
            try:
                answer = self.call(function, *arguments)
            except self.n.NVMLError as error:
                self.raise_if_lost(error)
                if error.value != self.n.NVML_ERROR_FUNCTION_NOT_FOUND:
                    self._known[wanted] = name
                    return None
            except (self.n.NVMLLibraryMismatchError, AttributeError):  # neither is an NVMLError
                continue
            else:
                self._known[wanted] = name
                return answer
        return None

    def forget(self, names: str) -> None:
        """Asks anew which of these functions there is."""
        self._known.pop(tuple(names.split("|")), None)

    def version(self) -> tuple[int, ...]:
        """The driver's version as numbers, empty where it does not tell."""
        told = text(self.ask("nvmlSystemGetDriverVersion")) or ""
        return tuple(int(part) for part in told.split(".") if part.isdecimal())

    def raise_if_lost(self, error: Any) -> None:
        if error.value in (self.n.NVML_ERROR_GPU_IS_LOST, self.n.NVML_ERROR_RESET_REQUIRED):
            raise GpuLost(str(error)) from error


def text(value: str | bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _absent(*arguments: Any) -> Any:
    raise AttributeError
