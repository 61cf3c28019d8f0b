"""The provider and the offline store of this project, named here and in feature_store.yaml. Imports nothing."""

OFFLINE_STORE = "handrail.feast.HandrailOfflineStore"
PROVIDER = "handrail.feast.HandrailProvider"
"""Records in lineage what Feast reads and writes."""
