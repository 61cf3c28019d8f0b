"""The point-in-time join: to each entity row, the newest feature values known at its time. Free of Feast."""

from handrail.tools import require

require("polars", "feast")

from handrail.point_in_time.join import Join  # noqa: E402
from handrail.point_in_time.table import FeatureTable  # noqa: E402

__all__ = ["FeatureTable", "Join"]
