"""Ways to run a job on this machine; see orchestrator.seams.Launcher."""
