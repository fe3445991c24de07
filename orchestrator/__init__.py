"""Compares Keras backends: measures the same workloads in many stacks, and reports how fast and how sure.

request -> plan -> executor(stacks, data, measure(launcher)) -> results -> stats -> report
"""

from __future__ import annotations

__version__ = "0.1.0"
