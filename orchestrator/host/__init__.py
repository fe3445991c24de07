"""Knows the machine that the orchestrator runs on: its cores and memory, its GPUs, who uses them.

In: the operating system and the drivers of GPUs (cards.py). Out: devices, readings of GPU counters, leases (one job at
a time on a GPU), and checks of what can run here. This room starts no job and changes nothing on the host but its lock
files.
"""
