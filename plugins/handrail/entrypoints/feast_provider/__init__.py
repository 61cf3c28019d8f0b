"""The Feast provider that tells lineage what is read and written: name it in feature_store.yaml.

provider: handrail.entrypoints.feast_provider.HandrailProvider
"""

from handrail.tools import require

for _package in ("feast", "pyarrow"):
    require(_package, "feast")

from handrail.entrypoints.feast_provider.ledger import flush  # noqa: E402
from handrail.entrypoints.feast_provider.provider import HandrailProvider  # noqa: E402
from handrail.entrypoints.feast_provider.retrieval import retrieval_of, rows_of  # noqa: E402

__all__ = ["HandrailProvider", "flush", "retrieval_of", "rows_of"]
