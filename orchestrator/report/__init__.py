"""What people read: the report of merged runs as a page, as Markdown and as charts, and the texts of a comparison.

In come the rows of `results`, the intervals and verdicts of `stats` and the catalog of `plan`. Out go strings and
bytes: `build_report` makes a report, `comparison` writes a comparison. This room writes no file, starts no process
and asks nobody. All text from jobs and configurations is escaped.
"""
