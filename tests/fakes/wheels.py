"""Packages for tests: wheels of one module, made by hand."""

from __future__ import annotations

import base64
import hashlib
import stat
import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, version: str, *requires: str, mode: int = 0o644, python: str = ">=3") -> Path:
    """The wheel of a package whose module says its version. `mode`: of its files; `python`: the versions it is for."""
    path, about = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needs = f"Requires-Python: {python}\n" + "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {n: base64.urlsafe_b64encode(hashlib.sha256(t.encode()).digest()).rstrip(b"=") for n, t in files.items()}
    rows = [f"{n},sha256={hashes[n].decode()},{len(t)}\n" for n, t in files.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in {**files, f"{about}/RECORD": "".join(rows) + f"{about}/RECORD,,\n"}.items():
            info = zipfile.ZipInfo(each)
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, text)
    return path
