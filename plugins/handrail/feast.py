"""Feast with Handrail: the two classes that feature_store.yaml names, and what a project asks of the provider.

provider: handrail.feast.HandrailProvider
offline_store:
    type: handrail.feast.HandrailOfflineStore
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.feast.identity import identity_of, spec_hash
    from handrail.entrypoints.feast.offline_store import HandrailOfflineStore, HandrailOfflineStoreConfig
    from handrail.entrypoints.feast.online import OnlineReader, open_online_reader
    from handrail.entrypoints.feast.provider import (
        HandrailProvider,
        flush,
        record_file,
        retrieval_of,
        rows_of,
        same_rows,
    )

__all__ = [
    "HandrailOfflineStore",
    "HandrailOfflineStoreConfig",
    "HandrailProvider",
    "OnlineReader",
    "flush",
    "identity_of",
    "open_online_reader",
    "record_file",
    "retrieval_of",
    "rows_of",
    "same_rows",
    "spec_hash",
]

_PLACES = {
    "handrail.entrypoints.feast.identity": ("identity_of", "spec_hash"),
    "handrail.entrypoints.feast.offline_store": ("HandrailOfflineStore", "HandrailOfflineStoreConfig"),
    "handrail.entrypoints.feast.online": ("OnlineReader", "open_online_reader"),
    "handrail.entrypoints.feast.provider": (
        "HandrailProvider",
        "flush",
        "record_file",
        "retrieval_of",
        "rows_of",
        "same_rows",
    ),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
