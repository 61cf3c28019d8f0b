"""Frozen values and rules of lineage: facts, the graph they form, and the sections of a trace. No tool, no database."""
