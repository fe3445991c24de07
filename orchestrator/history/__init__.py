"""What the runs of a results folder tell together: which there are, and how each cell went from night to night.

In come the records that runs leave (results/), out go a list, pages and verdicts on steps (stats/steps.py). Nothing is
measured here, nothing of a run is changed, and figures of different nights are never made into one.
"""
