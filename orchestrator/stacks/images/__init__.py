"""Images of stacks on a Docker engine: rendered, built from a pinned base, listed, saved to a file, loaded from it.

In: a stack of the catalog and the `BuildSettings` of this host. Out: an image that the engine has, or a HostError with
the failing step and what to do. The same recipe is never built twice. Nothing here starts a job.
"""
