"""What lies in an image: libraries that want others, code for GPUs, what is large; from the tar of its file system."""

from __future__ import annotations

import io

from orchestrator.stacks.images import inside as module
from orchestrator.stacks.images.inside import Wanted, read
from tests.fakes.libraries import library, tar
from tests.unit.stacks.cuda.test_machine_code import FORWARD, VOLTA, fat
from tests.unit.stacks.cuda.test_machine_code import library as with_sections

VENV = "opt/venv/lib/python3.11/site-packages"


def inside(members):
    return read(io.BytesIO(tar(members)))


def test_a_library_that_is_named_and_not_there_is_told_with_who_names_it(tmp_path):
    names = b"\0libcublas.so.12\0libcudnn.so\0libcuda.so.1\0libnvinfer.so.10\0"
    framework = with_sections(tmp_path, rodata=names + fat(VOLTA, FORWARD)).read_bytes()
    found = inside(
        {
            f"{VENV}/made/libmade.so": framework,
            f"{VENV}/nvidia/cublas/lib/libcublas.so.12": library("libcublas.so.12"),
            f"{VENV}/nvidia/cudnn/lib/libcudnn.so.9": library("libcudnn.so.9"),  # serves the name without a version
            f"{VENV}/made/notes.so": b"no library",
            f"{VENV}/made/link.so": f"-> /{VENV}/made/libmade.so",
        }
    )
    assert found.libraries == 3
    assert found.absent == [Wanted(name="libnvinfer.so.10", named_by=["libmade.so"])]
    assert (found.code.native, found.code.ptx, found.capabilities) == (["7.0"], {"9.0": "8.5"}, ["7.0"])
    assert found.missing == []


def test_large_packages_are_told_each_of_nvidias_by_itself():
    found = inside(
        {f"{VENV}/nvidia/cudnn/big": b"\0" * 60_000_000, f"{VENV}/small/x": b"", "usr/big": b"\0" * 60_000_000}
    )
    assert found.large == {"nvidia/cudnn": 60}


def test_what_an_image_may_hold_neither_takes_for_ever_nor_fills_the_memory(monkeypatch):
    endless = b"\x7fELF" + b"libcu" * 200_000 + b"\0libcublas.so.12\0"  # each begin of a name was read to the end
    assert [wanted.name for wanted in inside({"usr/lib/libone.so": endless}).absent] == ["libcublas.so.12"]
    monkeypatch.setattr(module, "MOST_NAMES", 2)
    many = b"\x7fELF" + b"".join(b"\0libcu%d.so" % number for number in range(9))
    assert len(inside({"usr/lib/libmany.so": many}).absent) == 2
    monkeypatch.setattr(module, "MOST_BYTES", 50)
    assert inside({"usr/lib/libmany.so": many}).libraries == 0
