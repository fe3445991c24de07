"""Made-up libraries, and archives of every kind that a CUDA route may have, with what may be wrong with them."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import pytest

#: Member of an archive: its content, or -> and where a link leads (=> for a hard link).
Members = dict[str, bytes | str]


@cache
def library(soname: str) -> bytes:
    """A real shared library of this name, without a line of code in it."""
    if not shutil.which("gcc"):
        pytest.skip("no gcc to make a library with")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.so"
        command = ["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{soname}", "-o", str(path), "-x", "c", "/dev/null"]
        subprocess.run(command, check=True, capture_output=True)
        return path.read_bytes()


def linked(folder: Path, soname: str, needed: str) -> bytes:
    """A real shared library that needs another, which is not there."""
    (folder / needed).write_bytes(library(needed))
    target, empty = folder / soname, ["-x", "c", "/dev/null", "-x", "none"]
    words = ["gcc", "-shared", "-nostdlib", "-Wl,--no-as-needed", f"-Wl,-soname,{soname}", *empty]
    subprocess.run([*words, str(folder / needed), "-o", str(target)], check=True, capture_output=True)
    return target.read_bytes()


def tar(members: Members, compression: str = "", twice: bool = False) -> bytes:
    """A tar archive; `twice` writes its first member once more, as some tools do."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for name, content in [*list(members.items())[: int(twice)], *members.items()]:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                info.linkname = content[2:].strip()
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def deb(members: Members, compression: str = "xz") -> bytes:
    """A Debian package, made by dpkg-deb itself."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg-deb to make a package with")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "package"
        (root / "DEBIAN").mkdir(parents=True)
        control = "Package: made-up\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody\nDescription: made up\n"
        (root / "DEBIAN" / "control").write_text(control)
        for name, content in members.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.symlink_to(content[2:].strip())
            else:
                path.write_bytes(content)
        command = ["dpkg-deb", f"-Z{compression}", "--root-owner-group", "--build", str(root), f"{folder}/made.deb"]
        subprocess.run(command, check=True, capture_output=True)
        return (Path(folder) / "made.deb").read_bytes()


#: What CNTK asks of NVML.
NVML = (
    *(
        "Init_v2",
        "Shutdown",
        "SystemGetProcessName",
        "DeviceGetHandleByIndex_v2",
        "DeviceGetUUID",
        "DeviceGetMemoryInfo",
    ),
    *("DeviceGetComputeRunningProcesses", "DeviceGetPciInfo_v3", "DeviceGetUtilizationRates"),
)


def driverless(folder: Path) -> Path:
    """A libnvidia-ml.so.1 whose every function says that no driver is loaded (9)."""
    if not shutil.which("gcc"):
        pytest.skip("no gcc to make a library with")
    code = "".join(f"int nvml{name}(void) {{ return 9; }}\n" for name in NVML)
    code += 'const char *nvmlErrorString(int code) { return "no driver"; }\n'
    path = folder / "libnvidia-ml.so.1"
    command = ["gcc", "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{path.name}", "-o", str(path), "-x", "c", "-"]
    subprocess.run(command, input=code.encode(), check=True, capture_output=True)
    return path
