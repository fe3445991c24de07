"""The executor of this host: checks it, makes the stacks ready, and runs jobs on its cores or GPUs.

In: a plan. Out: one result per job. It knows nothing of clusters; a node of a cluster uses its parts.
"""
