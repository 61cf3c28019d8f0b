"""Prefect: recording flow and task runs, and reading a server into lineage."""
