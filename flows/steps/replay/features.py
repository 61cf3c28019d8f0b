"""Feature values in the replay: what became known is written to the online store, as a live feed does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from handrail.settings import Settings
from handrail.use_case import read_use_case


class FeastOnline:
    """The online store of this installation, filled from the feature tables of the replayed time."""

    def __init__(self, settings: Settings, features: Path) -> None:
        """Open it over the feature tables in `features`; the bento reads the same online database."""
        from feature_repo.store import apply, open_feature_store

        self._case = read_use_case(settings.project)
        self._store = open_feature_store(settings, features)
        if not self._store.list_feature_services():
            apply(self._store)

    def write_known(self, since: datetime | None, until: datetime) -> None:
        """Write the rows that became known in (since, until], oldest first; of each key the last one."""
        from feature_repo.online import write_known

        write_known(self._store, since, until)

    def forget(self) -> None:
        """Remove every online row: an event time before the newest of them would see the future."""
        from feature_repo.online import forget

        forget(self._store)

    def read(self, items: Sequence[Mapping[str, Any]], at: datetime) -> dict[str, list[Any]]:
        """Return the features of those requests as an online reader sees them at `at`."""
        from feature_repo.online import online

        service = self._case.service_of(self._case.features.default)
        return online(self._store, [self._case.read_item(item) for item in items], at, service)
