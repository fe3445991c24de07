"""Whether a program can really use a GPU: CUDA is started and takes memory, in a program that may hang or die.

The driver's counters answer also where CUDA does not start: without /dev/nvidia-uvm, after a laptop's sleep, with
another version of CUDA's part of the driver.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.host.checks import Check
from orchestrator.host.nvidia import libcuda
from orchestrator.model import Device
from orchestrator.text import printable

CHILD = Path(__file__).with_name("cuda_child.py")
#: Seconds that CUDA gets to start. On a host without persistence mode the card starts first.
BOUND_S = 60.0
#: What mends an error of CUDA, by its code (cuda.h); -1 is ours, for a library that does not load.
REMEDIES = {
    -1: "CUDA's part of the driver, libcuda.so.1, is not here: install the driver whole, or set LD_LIBRARY_PATH",
    2: "another program holds its memory: end that",
    46: "another program has it for itself (compute mode), or none may use it: `nvidia-smi -c 0` (root)",
    100: "CUDA sees no such GPU: is /dev/nvidia* there and allowed to this user? In a container, pass the GPU",
    304: "/dev/nvidia-uvm is missing or not allowed: `nvidia-modprobe -u -c 0` (root)",
    802: "the cards' fabric is not ready: start the service nvidia-fabricmanager",
    803: "the driver was updated while the old one is still loaded: reboot",
    804: "the libcuda.so.1 of a newer CUDA that was found does not work with this card: take it off LD_LIBRARY_PATH",
    999: "after a sleep of the machine: `rmmod nvidia_uvm; modprobe nvidia_uvm` (root); else reboot",
}
REMEDY = "look into `dmesg` for NVRM, and try a sample of CUDA"
HANGS = "end what uses the GPU, look into `dmesg` for Xid, then reboot"


def check(gpu: Device, leased: str, environ: Mapping[str, str]) -> Check:
    """The result of one trial. A GPU that a job has now is left alone."""
    what = f"CUDA on GPU {gpu.place} {gpu.name}"
    if leased or gpu.unusable:
        seen = f"not tried: {gpu.unusable or f'it is leased by {leased}'}"
        return Check(level="warn", what=what, seen=seen, mend="" if gpu.unusable else "ask again once it is free")
    seen, mend = trial(gpu, environ)
    if not mend:
        return Check(level="ok", what=what, seen=seen)
    return Check(level="bad", what=what, seen=seen, needed="a program that can take memory of it", mend=mend)


def trial(gpu: Device, environ: Mapping[str, str]) -> tuple[str, str]:
    """What a program saw on this GPU, and what mends it; "" for nothing to mend."""
    environment = {"PATH": environ.get("PATH", os.defpath), "CUDA_VISIBLE_DEVICES": gpu.uuid or "0"}
    environment = libcuda.with_folder(environment, libcuda.folder(environ))
    argv = [sys.executable, "-I", "-S", str(CHILD)]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        try:
            output, _ = child.communicate(timeout=BOUND_S)
        except subprocess.TimeoutExpired:
            _give_up(child)
            return f"a program that starts CUDA gave no answer in {BOUND_S:g} s", HANGS
    return judged(output, child.returncode)


def judged(output: bytes, code: int) -> tuple[str, str]:
    """The same from what the program printed and its exit code."""
    try:
        told: dict[str, Any] = msgspec.json.decode(output, type=dict[str, Any])
    except msgspec.DecodeError:
        return f"a program that starts CUDA died of it (exit code {code})", REMEDY
    if "mib" in told:
        return f"a program got {told['mib']} MiB of it", ""
    seen = f"{told.get('call')} says {printable(str(told.get('name')), 200)} ({told.get('code')})"
    return seen, REMEDIES.get(told.get("code", 0), REMEDY)


def _give_up(child: subprocess.Popen[bytes]) -> None:
    """Ends a program that may be inside the kernel, where no signal reaches it: then it is left."""
    child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=2)
        return
    child.returncode = -9  # so that nobody waits for it any more
