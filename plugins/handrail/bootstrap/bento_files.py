"""Reads the store that BentoML keeps in files, for entry points that collect from it. Loading this loads no tool."""

from handrail.lineage.adapters.bento_store import BentoStore, StoredBento, bento_digest

__all__ = ["BentoStore", "StoredBento", "bento_digest"]
