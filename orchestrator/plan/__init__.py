"""What is asked for: requests, configurations, the catalog of stacks and workloads, and the jobs they make.

In: options or a YAML file, and a host. Out: a plan, the list of jobs in their order. Nothing is started or made ready.
"""
