"""Runs again what made a model, in a clean folder, and compares every byte with what was recorded."""
