"""Benchmark Keras backends in containers, honestly.

config -> plan -> images -> executor(measure(launcher + sampler)) -> records -> merge -> report
"""

__version__ = "0.1.0"
