"""Where AMD SMI is looked for, and that a function that fails is none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.host.amd import binding
from orchestrator.host.cards import NoDriver


@pytest.mark.parametrize("variable", ["ROCM_PATH", "ROCM_HOME"])
def test_the_library_is_looked_for_where_its_binding_does(tmp_path, variable):
    assert not binding.is_there({variable: str(tmp_path)})
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / binding.LIBRARY).touch()
    assert binding.is_there({variable: str(tmp_path)})
    assert binding.is_there({"LD_LIBRARY_PATH": f":{tmp_path / 'lib'}"})


@pytest.mark.parametrize("door", [True, False])
def test_without_the_library_there_is_no_driver_and_nothing_wrong(tmp_path, monkeypatch, door):
    monkeypatch.setattr(binding, "ROCM", tmp_path)
    monkeypatch.setattr(binding, "DOOR", tmp_path if door else tmp_path / "none")
    monkeypatch.setattr(binding, "_imported", pytest.fail)
    with pytest.raises(NoDriver) as caught, binding.opened({}):
        pass
    assert caught.value.absent
    assert bool(caught.value.message) is door


@pytest.mark.parametrize("error", [KeyError("x"), AttributeError("x"), UnicodeDecodeError("utf-8", b"x", 0, 1, "x")])
def test_what_a_function_fails_at_is_absent(error):
    def fails(handle):
        raise error

    library = SimpleNamespace(AmdSmiException=RuntimeError, amdsmi_get_x=fails, Kind=SimpleNamespace(A=1))
    made = binding.Binding(library, lambda function, *arguments: function(*arguments))
    assert made.ask("get_x", 1) is None
    assert made.ask("get_y", 1) is None
    assert (made.constant("Kind", "A"), made.constant("Kind", "B"), made.constant("Other", "A")) == (1, None, None)
