"""The feedback plugin."""
