"""What this project knows of Slurm: its words, its commands, and the folders through which a node reports."""
