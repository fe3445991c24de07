"""A program of its own: starts CUDA and takes some memory of the GPU that it sees, then says how that went, as JSON.

Only the standard library: it runs isolated, so that whatever a broken driver does happens to it alone.
"""

from __future__ import annotations

import ctypes
import json
from typing import Any

MIB = 64


def main() -> dict[str, Any]:
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return {"call": "dlopen", "code": -1, "name": str(error)}
    device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("cuInit", (0,)),
        ("cuDeviceGet", (ctypes.byref(device), 0)),
        ("cuDevicePrimaryCtxRetain", (ctypes.byref(context), device)),
        ("cuCtxSetCurrent", (context,)),
        ("cuMemAlloc_v2", (ctypes.byref(memory), ctypes.c_size_t(MIB * 2**20))),
        ("cuMemFree_v2", (memory,)),
    ]
    for name, words in steps:
        code = getattr(library, name)(*words)
        if code:
            return {"call": name, "code": code, "name": error_name(library, code)}
    return {"mib": MIB}


def error_name(library: Any, code: int) -> str:
    """What CUDA calls an error."""
    name = ctypes.c_char_p()
    if library.cuGetErrorName(code, ctypes.byref(name)) or not name.value:
        return f"error {code}"
    return name.value.decode("ascii", "replace")


if __name__ == "__main__":
    print(json.dumps(main()))
