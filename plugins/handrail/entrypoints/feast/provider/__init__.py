"""The Feast provider that records what is read and written: name it in feature_store.yaml.

provider: handrail.feast.HandrailProvider
"""

from handrail.tools import require

for _package in ("feast", "pyarrow"):
    require(_package, "feast")

from handrail.entrypoints.feast.provider.pending import flush  # noqa: E402
from handrail.entrypoints.feast.provider.provider import HandrailProvider  # noqa: E402
from handrail.entrypoints.feast.provider.retrieval import record_file, retrieval_of, rows_of, same_rows  # noqa: E402

__all__ = ["HandrailProvider", "flush", "record_file", "retrieval_of", "rows_of", "same_rows"]
