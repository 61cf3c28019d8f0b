"""Online features at request time, from the same feature service that the model was trained with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bentos.flights.messages import Flight
from handrail.errors import Refused, Unavailable
from handrail.settings import Settings

CODES = ("carrier", "origin", "dest")
ASKED = (*CODES, "tailnum", "sched_dep", "sched_arr", "distance")

FIRST = Flight(
    flight_id="2013-01-01:UA:1:0800:EWR",
    carrier="UA",
    origin="EWR",
    dest="IAH",
    tailnum=None,
    flight=1,
    sched_dep=datetime(2013, 1, 1, 13, tzinfo=UTC),
    sched_arr=datetime(2013, 1, 1, 17, tzinfo=UTC),
    distance=1400.0,
)
"""A flight like any other, for the first look-up of a process."""


class OnlineFeatures:
    """Looks features up; opening it imports Feast, which takes seconds."""

    def __init__(self, settings: Settings, trained_with: Mapping[str, str]) -> None:
        """Open the online store for the service that a model names (`name`, `spec_hash`).

        In a home where nobody registered any features yet, those that come with this code are registered.

        Raises:
            Refused: the service is registered with another specification, or not at all.
        """
        from feature_repo.store import apply, open_feature_store, service_identity

        self._service = trained_with["name"]
        self._store = open_feature_store(settings)
        registered = {service.name for service in self._store.list_feature_services()}
        if not registered:
            apply(self._store)
        elif self._service not in registered:
            raise _unfit(self._service, "It is not registered.")
        if service_identity(self._store, self._service)["spec_hash"] != trained_with["spec_hash"]:
            raise _unfit(self._service, "It is not what the model was trained with.")

    def __call__(self, flights: Sequence[Flight], now: datetime) -> Mapping[str, Sequence[Any]]:
        """Return the features and codes of each flight as columns; None where nothing fresh is known at `now`.

        Raises:
            Unavailable: the online store cannot be read.
        """
        from feature_repo.online import online

        codes = {name: [getattr(flight, name) for flight in flights] for name in CODES}
        rows = [{name: getattr(flight, name) for name in ASKED} for flight in flights]
        try:
            return codes | online(self._store, rows, now, self._service)
        except (OSError, sqlite3.Error) as err:
            raise Unavailable("The online feature store", str(err), "Nothing was predicted; send it again.") from err

    def warm_up(self, now: datetime) -> None:
        """Look one flight up, so that the first request does not wait for what Feast loads late."""
        self([FIRST], now)


def _unfit(service: str, reason: str) -> Refused:
    remedy = "Register the features that the model was trained with, or train again and promote."
    return Refused(f"Serving with the feature service {service!r}", (reason, remedy))
