"""Where lineage meets SQL, DVC and git."""
