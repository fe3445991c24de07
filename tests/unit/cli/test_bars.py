"""Bars for bytes: on standard error, right also where a server told the wrong size."""

from __future__ import annotations

import pytest

from orchestrator.cli.bars import byte_bar


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([(50, 100)], "50/100 bytes"),
        ([(50, 100), (150, 100)], "150/150 bytes"),  # more came than was announced
        ([(2_500_000, 5_000_000)], "2.5/5.0 MB"),
    ],
)
def test_a_bar_shows_what_is_done_of_how_much(capsys, told, shown):
    with byte_bar("mnist") as tell:
        for done, total in told:
            tell(done, total)
    out, err = capsys.readouterr()
    assert out == "", "standard output is for what was asked for"
    assert err.startswith("mnist") and shown in err


def test_the_title_of_a_bar_is_a_name(capsys):
    with byte_bar("images[bold] [1].tar:smile:") as tell:
        tell(1, 2)
    assert capsys.readouterr().err.startswith("images[bold] [1].tar:smile:")


def test_a_bar_ends_also_when_its_download_does_not(capsys):
    with pytest.raises(OSError, match="no route"), byte_bar("mnist") as tell:
        tell(10, 100)
        raise OSError("no route")
    assert "10/100 bytes" in capsys.readouterr().err
