"""The lineage plugin."""
