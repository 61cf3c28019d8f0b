"""The database under the plugins: one engine, transactions, migrations. It knows no table of a plugin."""

from handrail.storage.engine import Store, missing_file, open_store
from handrail.storage.migrations import migrate

__all__ = ["Store", "migrate", "missing_file", "open_store"]
