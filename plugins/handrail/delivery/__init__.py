"""The delivery plugin."""
