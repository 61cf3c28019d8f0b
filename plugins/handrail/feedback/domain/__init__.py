"""The values and rules of feedback. Nothing here reads a clock, a file or a database."""
