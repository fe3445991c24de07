"""How one job starts on this machine: in a Docker container, in another runtime's container, or as a process.

In: a job, its device, and the settings that its run shares (`RunContext`). Out: how it ended (`Exit`), its log, and a
probe of what it uses while it runs. A launcher leaves nothing of a job behind, turns whatever a job does into an
`Exit` and never into an exception, and knows no other launcher (`launcher.Launcher` is the protocol).
"""
