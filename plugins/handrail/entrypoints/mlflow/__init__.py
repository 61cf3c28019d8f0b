"""MLflow: the app around its server, context of runs, dataset sources, and reading a server into lineage."""
