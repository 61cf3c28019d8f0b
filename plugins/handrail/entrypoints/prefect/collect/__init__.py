"""Lineage read from a Prefect server: what ran, what its assets were, and which runs recorded nothing."""

from handrail.entrypoints.prefect.collect.values import Asset, FlowPlan, PrefectRun, Seen

__all__ = ["Asset", "FlowPlan", "PrefectRun", "Seen"]
