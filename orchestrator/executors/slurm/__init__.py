"""The executor of a Slurm cluster: submits each job, follows it, and records what its node measured.

In: a plan. Out: one result per job. An attempt is a folder on the shared file system: the login node writes the order
(ledger.py), the node reports into it (node.py), and Slurm is asked only for what no report tells (flights.py).
"""
