"""Evidently: reports whose runs name their data and are recorded."""
