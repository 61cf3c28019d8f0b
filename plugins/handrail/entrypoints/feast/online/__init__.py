"""Features at request time: Feast's online rows, read by a plan that is made once, within a time limit."""

from handrail.entrypoints.feast.online.reader import OnlineReader, open_online_reader

__all__ = ["OnlineReader", "open_online_reader"]
