"""Dagster, the release and the command line: calls the other rooms in order and holds the lock."""
