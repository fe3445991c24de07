"""One run: from a request to rows, tables and a report.

In: a request and an executor. Out: a results folder and its rows. The session lets the plan be made, the executor
prepare and measure, and the results be merged and reported; beside it: resume, replay, repeat until settled, clean.
Nothing here prints, and nothing here knows whether jobs run on this host or on a cluster.
"""
