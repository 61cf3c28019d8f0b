"""Great Expectations: a checkpoint action that records what was validated, and how it ended."""
