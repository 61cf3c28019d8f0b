"""The flights from every kind of source that the reference names; `make demo-sources` runs it."""
