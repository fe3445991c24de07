"""Runs one job and measures it from outside.

In: a job, the device that it may use, and a launcher that starts it. Out: a `Result` with the events that the job
reported, and files of samples taken while it ran. This room does not know where a job runs (`executors`), and it
derives no figures: it records what happened.
"""
