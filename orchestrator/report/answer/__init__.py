"""The first screen of the report: which contender trains fastest here, by how much, and how sure that is."""
