"""One container before the first job, made as a job's would be: what does the engine really give, and what can it see?

Neither an engine's settings nor its version tell: a bound may be dropped in silence, a path may be one that only this
process sees, a number may mean another user. In: the context of a run and an image. Out: the points of the confinement
that jobs do not get, or a HostError for what no job could run with.
"""
