"""The MLflow run context provider."""
