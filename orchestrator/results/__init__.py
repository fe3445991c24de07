"""Keeps what runs leave on the disk, and derives tables from it.

In: plans, results and samples, of one run or of many. Out: the folder of a run, a merged set of runs, and rows: one
per job, one per epoch. Every derived figure is made here, from raw records that are never changed. This room starts
no job and judges no difference: that is for `stats`.
"""
