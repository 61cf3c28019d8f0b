"""The Feast offline store that loses no row: name it in feature_store.yaml.

offline_store:
    type: handrail.entrypoints.feast_offline_store.HandrailOfflineStore
"""

from handrail.entrypoints.feast_offline_store.store import HandrailOfflineStore, HandrailOfflineStoreConfig

__all__ = ["HandrailOfflineStore", "HandrailOfflineStoreConfig"]
