"""Benchmark Keras backends in containers, honestly.

config -> plan -> images -> executor(measure(launcher + sampler)) -> records -> merge -> report
"""

from __future__ import annotations

__version__ = "0.1.0"
