"""The Feast offline store that loses no row: name it in feature_store.yaml.

offline_store:
    type: handrail.feast.HandrailOfflineStore
"""

from handrail.tools import require

for _package in ("feast", "duckdb", "polars", "pyarrow"):
    require(_package, "feast")

from handrail.entrypoints.feast.offline_store.store import (  # noqa: E402
    HandrailOfflineStore,
    HandrailOfflineStoreConfig,
)

__all__ = ["HandrailOfflineStore", "HandrailOfflineStoreConfig"]
