"""From the options of a verb to a request."""

from __future__ import annotations

from orchestrator.cli.options.request import absolute_spec


def test_a_folder_for_keras_is_sent_by_its_absolute_path(tmp_path, monkeypatch):
    """A run goes on from any folder, and on nodes that start in folders of their own."""
    (tmp_path / "keras").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute_spec("./keras") == str(tmp_path / "keras")
    assert absolute_spec(".") == str(tmp_path)
    for spec in (None, "keras", "keras==3.12.0", "./nowhere", "keras @ git+https://example.org/keras"):
        assert absolute_spec(spec) == spec
