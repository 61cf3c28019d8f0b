"""Feast: the offline store, the provider that records reads and writes, and the identity of definitions."""
