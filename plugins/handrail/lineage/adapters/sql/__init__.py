"""The graph, its events and its questions in SQLite or PostgreSQL."""
