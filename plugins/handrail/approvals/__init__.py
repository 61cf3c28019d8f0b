"""The approvals plugin."""
