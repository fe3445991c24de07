"""Says what a difference between measured times is worth.

In: rows of jobs and the seconds of their epochs. Out: intervals, p values, verdicts in words, and whether more repeats
are needed. This room reads no files and starts no processes; the same rows always give the same answer.
"""
