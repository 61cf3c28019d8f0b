"""Handrail: approval gates, lineage and feedback across the open-source ML stack.

Importing this package imports no tool; the entry points in `handrail.entrypoints` are what tools load.
"""

__version__ = "0.1.0"
