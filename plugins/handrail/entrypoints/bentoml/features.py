"""Online features at request time, from the same feature service that the model was trained with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.errors import Refused, Unavailable
from handrail.readings import Reading
from handrail.settings import Settings
from handrail.use_case import UseCase

Items = Sequence[Mapping[str, Any]]
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class FeatureRepo:
    """The functions of a project's feature_repo that a service calls; they import Feast, which takes seconds.

    `open_store` opens the store of this installation, `apply` registers every definition, `identity` returns `name` and
    `spec_hash` of a registered service, and `online` reads the features of request items as known at a moment.
    `reader` makes what reads a service's features with what they lack, within so many seconds of the store's time;
    without it, `online` reads them, and a store that is away costs the answer.
    """

    open_store: Callable[[Settings], Any]
    apply: Callable[[Any], None]
    identity: Callable[[Any, str], Mapping[str, Any]]
    online: Callable[[Any, Items, datetime, str], Columns]
    reader: Callable[[Any, str, float], Callable[[Items, datetime], Reading]] | None = None


class OnlineFeatures:
    """Looks features up; opening it imports Feast, which takes seconds."""

    def __init__(self, settings: Settings, case: UseCase, repo: FeatureRepo, trained_with: Mapping[str, str]) -> None:
        """Open the online store for the service that a model names (`name`, `spec_hash`).

        In a home where nobody registered any features yet, those that come with this code are registered.

        Raises:
            Refused: the service is registered with another specification, or not at all.
        """
        self._case, self._repo = case, repo
        self._service = trained_with["name"]
        self._store = repo.open_store(settings)
        registered = {service.name for service in self._store.list_feature_services()}
        if not registered:
            repo.apply(self._store)
        elif self._service not in registered:
            raise _unfit(self._service, "It is not registered.")
        if repo.identity(self._store, self._service)["spec_hash"] != trained_with["spec_hash"]:
            raise _unfit(self._service, "It is not what the model was trained with.")
        within_s = settings.online.within_ms / 1e3
        self._read = repo.reader(self._store, self._service, within_s) if repo.reader else self._read_online

    def __call__(self, items: Items, now: datetime) -> Reading:
        """Return what was sent and the features of each item as columns; None where nothing fresh is known at `now`.

        What the store could not give, because it is away, late or holds nothing right, is lacking.

        Raises:
            Unavailable: the online store cannot be read, and no reader does without.
        """
        sent = {name: [item[name] for item in items] for name in self._case.request}
        found = self._read(items, now)
        return Reading({**sent, **found.columns}, found.lacks)

    def _read_online(self, items: Items, now: datetime) -> Reading:
        try:
            return Reading(self._repo.online(self._store, items, now, self._service))
        except (OSError, sqlite3.Error) as err:
            raise Unavailable("The online feature store", str(err), "Nothing was predicted; send it again.") from err

    def warm_up(self, now: datetime) -> None:
        """Look the description's example up, so that the first request does not wait for what Feast loads late."""
        self([self._case.example], now)


def _unfit(service: str, reason: str) -> Refused:
    remedy = "Register the features that the model was trained with, or train again and promote."
    return Refused(f"Serving with the feature service {service!r}", (reason, remedy))
