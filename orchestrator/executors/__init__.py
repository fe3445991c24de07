"""Places where jobs run; see orchestrator.seams.Executor."""
