"""The feature store of this project: apply, and read as of a moment; `online` writes and reads what is known now.

Feast is imported inside the functions: loading it costs a second.
"""

from __future__ import annotations

import sqlite3
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_repo.offline import OFFLINE_STORE
from feature_repo.online_place import online_section
from handrail.errors import Refused, Unavailable
from handrail.feast import identity_of
from handrail.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from feature_repo.project_store import ProjectStore


def open_feature_store(settings: Settings, features_root: Path | None = None, home: Path | None = None) -> ProjectStore:
    """Open the store with its registry and online database below `home` (settings.home/feast if None).

    Feature tables are read from `features_root` (the project's data/features if None). Nothing is registered yet:
    call `apply` once. Where the setting `online.url` names a Redis, online features of this installation are
    there; a store below another `home` has a file of its own all the same.

    Raises:
        Misconfigured: that setting is no address of Redis.
    """
    _import_feast()
    from feature_repo.project_store import ProjectStore

    place = home or settings.home / "feast"
    url = settings.online.url.get_secret_value() if settings.online.url and home is None else None
    online = online_section(url, place)
    place.mkdir(parents=True, exist_ok=True)
    return ProjectStore(place, (features_root or settings.project / "data" / "features").resolve(), online)


def apply(store: ProjectStore) -> None:
    """Register every entity, view and service. Calling it twice changes nothing.

    Raises:
        Refused: a service of that name is registered with another specification; services are immutable.
    """
    from feature_repo.definitions import build

    objects = build(str(store.features_root))
    _refuse_changed_services(store, objects)
    with _third_party_warnings_off():
        store.apply(objects)
    if store.config.online_store.type == "sqlite":
        _let_readers_and_a_writer_meet(Path(store.config.online_store.path))


def service_identity(store: ProjectStore, service: str | None = None) -> dict[str, Any]:
    """Return {"name", "spec_hash", "views": {name: spec hash}} of a registered service, the default one if None."""
    from feature_repo.definitions import DEFAULT_SERVICE

    found = store.get_feature_service(service or DEFAULT_SERVICE)
    return identity_of(found, [_any_view(store, projection.name) for projection in found.feature_view_projections])


def historical(store: ProjectStore, entity_df: pd.DataFrame, service: str | None = None) -> pd.DataFrame:
    """Read the features of `service` (the default one if None) as they were known at each row's `event_timestamp`.

    `entity_df` has the entity keys, `event_timestamp` (UTC) and the request fields; every row comes back, in order.

    Raises:
        Unavailable: the offline store is one that loses rows.
        Refused: not every row came back.
    """
    from feature_repo.definitions import DEFAULT_SERVICE
    from handrail.feast import same_rows

    _refuse_losing_store(store)
    asked = entity_df.reset_index(drop=True).assign(entity_row=range(len(entity_df)))
    with _third_party_warnings_off():
        features = store.get_feature_service(service or DEFAULT_SERVICE)
        read = store.get_historical_features(entity_df=asked, features=features).to_df()
    answer = read.sort_values("entity_row", ignore_index=True)
    if answer["entity_row"].tolist() != list(range(len(asked))):
        lost = len(asked) - answer["entity_row"].nunique()
        raise Refused("This training set", (f"{lost} of {len(asked)} rows did not come back once from Feast.",))
    return same_rows(answer.drop(columns="entity_row"), of=read)


def _import_feast() -> None:
    """Import Feast without checks of argument types in each of its methods, as `python -O` does.

    typeguard parses a whole module anew for each method that it instruments: two thirds of Feast's import time.
    """
    if "feast" in sys.modules:
        return
    import typeguard

    checked = typeguard.typechecked
    setattr(typeguard, "typechecked", lambda target: target)  # noqa: B010 - its overloads fit no function of ours
    try:
        import feast  # noqa: F401 - what is imported later finds it here
    finally:
        setattr(typeguard, "typechecked", checked)  # noqa: B010


def _refuse_changed_services(store: ProjectStore, objects: Iterable[Any]) -> None:
    from feast import FeatureService

    known = {service.name for service in store.list_feature_services()}
    named = {thing.name: thing for thing in objects}
    for service in named.values():
        if not isinstance(service, FeatureService) or service.name not in known:
            continue
        views = [named[projection.name] for projection in service.feature_view_projections]
        if identity_of(service, views)["spec_hash"] != service_identity(store, service.name)["spec_hash"]:
            reason = f"It is registered with another specification in {store.config.registry.path}."
            remedy = "Name the changed set with the next number in feature_repo/definitions.py."
            raise Refused(f"Changing the feature service {service.name!r}", (reason, remedy))


@contextmanager
def _third_party_warnings_off() -> Iterator[None]:
    """Silence by name what Feast and ibis warn of on every call."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="On demand feature view is an experimental feature")
        warnings.filterwarnings("ignore", message=r"fetch_arrow_table\(\) is deprecated", category=DeprecationWarning)
        yield


def _let_readers_and_a_writer_meet(database: Path) -> None:
    """Switch the online database to write-ahead logging: a served request then never waits for a write."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma journal_mode=wal")


def _any_view(store: ProjectStore, name: str) -> Any:
    from feast.errors import FeatureViewNotFoundException

    try:
        return store.get_feature_view(name)
    except FeatureViewNotFoundException:
        return store.get_on_demand_feature_view(name)


def _refuse_losing_store(store: ProjectStore) -> None:
    kind = store.config.offline_store.type
    if kind in ("dask", "file"):
        raise Unavailable(
            "feature_store.yaml", f"the offline store {kind!r} silently loses rows", f"Write `type: {OFFLINE_STORE}`."
        )
