"""Makes stacks ready on this host: as images, as virtual environments, or as images of another container runtime.

In: the stacks of a plan. Out: a launcher that runs jobs in them, and which of them cannot be had. No job starts here.
"""
