"""The point_in_time plugin."""
