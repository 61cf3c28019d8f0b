"""The MLflow dataset sources."""
