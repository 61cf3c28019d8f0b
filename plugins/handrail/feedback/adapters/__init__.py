"""The adapters of feedback: SQL, Parquet, YAML, and the spool beside a serving process."""
