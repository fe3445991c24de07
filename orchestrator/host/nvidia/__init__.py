"""NVIDIA's GPUs: the driver's counters through NVML, and what CUDA needs to start.

In: the driver's libraries. Out: a `Maker` (maker.py) that host/makers.py lists. Nobody else needs to know this package,
but for what readings mean: reasons for a lower clock (throttling.py).
"""
