"""AMD SMI through its binding: found, loaded once by a process, and asked by one thread of it.

Readings by several threads at once were seen to mix (a counter of energy went back), so all sessions of a process share
one thread of calls. A host without AMD's library loads nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.host.bounded import Bounded, NoAnswer
from orchestrator.host.cards import BOUND_S, DriverHangs, NoDriver

LIBRARY = "libamd_smi.so"
#: The driver's door for programs that compute.
DOOR = Path("/dev/kfd")
ROCM = Path("/opt/rocm")
REMEDY = "`amd-smi list` must work; are /dev/kfd and /dev/dri/renderD* there and allowed to this user (group render)?"
BINDING = "`pip install ROCM/share/amd_smi` takes ROCm's own (ROCM is mostly /opt/rocm), which fits its library"
HANGS = "the driver does not answer: `amd-smi` will hang, too; look into `dmesg` for amdgpu, then reboot"
#: What a driver of this process did not answer, in words; empty as long as it answers.
_hung: list[str] = []
#: The binding and the thread of calls of this process; empty until it has opened the driver.
_open: list[Binding] = []
_lock = threading.Lock()


class Binding:
    """The functions of AMD SMI by their names without `amdsmi_`."""

    def __init__(self, library: Any, call: Any) -> None:
        self.library = library
        self.call = call

    def ask(self, name: str, *arguments: Any) -> Any:
        """The answer of a function; None for whatever card, driver or binding does not have."""
        function = getattr(self.library, f"amdsmi_{name}", None)
        if function is None:
            return None
        try:
            return self.call(function, *arguments)
        except self.library.AmdSmiException:
            return None
        except (AttributeError, KeyError, UnicodeDecodeError, ValueError):  # the binding fails at what it was told
            return None

    def constant(self, group: str, name: str) -> Any:
        """A member of an enumeration; None where this version has none."""
        return getattr(getattr(self.library, group, None), name, None)


@contextmanager
def opened(environ: Mapping[str, str] = os.environ) -> Iterator[Binding]:
    """The driver for the time of the block. Raises NoDriver."""
    if _hung:
        raise DriverHangs(_hung[0], HANGS)
    try:
        with _lock:
            if not _open:
                _open.append(_loaded(environ))
        yield _open[0]
    except NoAnswer as error:
        _hung.append(f"AMD SMI: {error}")
        raise DriverHangs(_hung[0], HANGS) from error


def _loaded(environ: Mapping[str, str]) -> Binding:
    if not is_there(environ):
        words = f"AMD's driver is there ({DOOR}), and AMD SMI ({LIBRARY}) is not" if DOOR.exists() else ""
        raise NoDriver(words, absent=True)
    call = Bounded(BOUND_S)
    try:
        library = _imported()
        call(library.amdsmi_init, library.AmdSmiInitFlags.INIT_AMD_GPUS)
    except NoAnswer:
        raise
    except Exception as error:  # whatever a binding of another version does
        call.end()
        if isinstance(error, NoDriver):
            raise
        words = " ".join(str(error).split())
        raise NoDriver(f"AMD SMI says: {words or type(error).__name__}", REMEDY, absent=not DOOR.exists()) from error
    return Binding(library, call)


def _imported() -> Any:
    """The binding, which prints what it lacks. Raises NoDriver."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return importlib.import_module("amdsmi")
    except ModuleNotFoundError as error:
        raise NoDriver(f"AMD's cards need the package amdsmi, which is not installed ({error})", BINDING) from error
    except Exception as error:  # a library of another version lacks names, and the binding looks them up here
        sys.modules.pop("amdsmi", None)
        words = " ".join(f"{said.getvalue()} {type(error).__name__}: {error}".split())
        raise NoDriver(f"the package amdsmi cannot be loaded: {words}", BINDING) from error


def is_there(environ: Mapping[str, str]) -> bool:
    """Whether AMD SMI's library is where its binding looks for it; nothing is loaded."""
    named = [environ[name] for name in ("ROCM_HOME", "ROCM_PATH") if environ.get(name)]
    folders = [Path(place) / "lib" for place in (*named, str(ROCM))]
    folders += [Path(place) for place in environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if place.startswith("/")]
    return any((folder / LIBRARY).is_file() for folder in folders)
