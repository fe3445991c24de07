"""Scripts in the style of keras.io in the images of today's stacks: one command for all of them."""

from __future__ import annotations

import pytest

from tests import cells
from tests.conftest import ROOT

pytestmark = [pytest.mark.containers, pytest.mark.slow]

SCRIPTS = [ROOT / "tests" / "own" / "scripts" / f"{n}.py" for n in ("autoencoder", "several_fits", "text_transformer")]
STACKS = ("keras3-tensorflow", "keras3-jax", "keras3-torch")


def test_three_scripts_run_unchanged_in_the_images_of_today(image_of, tmp_path):
    for stack in STACKS:
        image_of(stack)
    before = [script.read_bytes() for script in SCRIPTS]
    code, rows, stderr = cells.run(tmp_path, *map(str, SCRIPTS), "--launcher", "docker")
    assert cells.reasons(rows) == {} and code == 0, stderr[-3000:]
    assert {(row["file"], row["stack"]) for row in rows} == {(s.name, stack) for s in SCRIPTS for stack in STACKS}
    for script in SCRIPTS:
        same = {(r["parameters"], r["samples"], r["batches"]) for r in rows if r["file"] == script.name}
        assert len(same) == 1, "every contender did the same thing"
    assert [script.read_bytes() for script in SCRIPTS] == before
