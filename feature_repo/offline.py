"""The provider and the offline store of this project, named here and in feature_store.yaml. Imports nothing."""

OFFLINE_STORE = "handrail.entrypoints.feast_offline_store.HandrailOfflineStore"
PROVIDER = "handrail.entrypoints.feast_provider.HandrailProvider"
"""Records in lineage what Feast reads and writes."""
