"""How exact a job's float32 products were, by errors that it measured itself, and whether it promised as much."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.model import Row

#: Relative errors: below the first, products are float32 (1e-7 to 1e-6 were seen); below the second, their factors have
#: 10 bits as in TF32 or float16 (3e-4 was seen); above, fewer.
FLOAT32, TF32 = 2e-5, 1e-3
COLUMNS = ("product_error", "convolution_error")


def worst(rows: Iterable[Row]) -> float | None:
    """The largest error that these jobs measured, None where none of them did."""
    return max((row[name] for row in rows for name in COLUMNS if row.get(name) is not None), default=None)


def kind(error: float | None) -> str:
    """What arithmetic an error speaks of, in words; "" where it is not known."""
    if error is None:
        return ""
    return "float32" if error < FLOAT32 else "TF32" if error < TF32 else "less than TF32"


def unequal(rows: Iterable[Row]) -> list[Row]:
    """The jobs whose products were not float32 although their variant, `faithful`, promises it."""
    promised = [row for row in rows if (row.get("variant") or "faithful") == "faithful"]
    return [row for row in promised if (worst([row]) or 0.0) >= FLOAT32]
