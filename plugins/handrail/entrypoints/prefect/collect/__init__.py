"""Lineage read from a Prefect server: what ran, what its assets were, and which runs recorded nothing."""
