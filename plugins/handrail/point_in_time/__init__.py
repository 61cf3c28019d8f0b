"""The point-in-time join: to each entity row, the newest feature values known at its time. Free of Feast."""

from handrail.point_in_time.join import Join
from handrail.point_in_time.table import FeatureTable

__all__ = ["FeatureTable", "Join"]
