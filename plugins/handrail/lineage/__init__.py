"""The lineage plugin: what made a prediction, and what a file touched."""
