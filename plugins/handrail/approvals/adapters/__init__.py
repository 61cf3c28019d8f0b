"""Adapters of the approval gates: one tool and one port each."""
