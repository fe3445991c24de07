"""AMD's GPUs: the driver's counters through AMD SMI, and the variables that show one card to a ROCm program.

In: ROCm's libamd_smi.so and its binding amdsmi. Out: a `Maker` (maker.py) that host/makers.py lists. Nobody has seen
this on a real card yet: functions, units and absent values are those of amdsmi 7.0.2 and AMD's reference of it.
"""
