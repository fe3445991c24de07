"""Where jobs are measured: on this host (local/) or on the nodes of a cluster (slurm/).

In: a plan. Out: one result per job, on disk. Both executors keep one protocol (executor.py); choose.py names them.
They decide neither what is run nor what becomes of the results.
"""
