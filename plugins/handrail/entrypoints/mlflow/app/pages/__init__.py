"""The console's pages on the MLflow server: MLflow's login counts, and every page is also JSON."""
