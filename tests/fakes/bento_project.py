"""A project around this repository's source, with features that are known at noon, and flights to ask about."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from handrail.bootstrap.approvals import open_permit_verifier
from handrail.delivery import BuiltFor
from handrail.settings import Settings
from tests.fakes.delivery import USE
from tests.fakes.permitted_tree import permit_tree

REPOSITORY = Path(__file__).parents[2]
NOON = datetime(2013, 8, 1, 12, tzinfo=UTC)
KNOWN = 70.0
"""What each number of the features is that `make_features` makes known."""
KEYS = {"origin": "EWR", "carrier": "UA", "dest": "IAH", "tailnum": "N14228"}

FLIGHT: dict[str, Any] = {
    "flight_id": "2013-08-01:UA:1545:1015:EWR",
    "carrier": "UA",
    "origin": "EWR",
    "dest": "IAH",
    "tailnum": "N14228",
    "flight": 1545,
    "sched_dep": "2013-08-01T14:15:00Z",
    "sched_arr": "2013-08-01T17:19:00Z",
    "distance": 1400.0,
}


def make_project(folder: Path) -> Settings:
    """Lay out a project around this repository's source, in replay mode at noon."""
    project = folder / "project"
    project.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("bentos", "config", "feature_repo", "flows", "infra", "plugins"):
        shutil.copytree(REPOSITORY / name, project / name, ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", project)
    return Settings(project=project, home=folder / "home", replay=True)


def make_features(settings: Settings, known: datetime = NOON - timedelta(hours=1)) -> dict[str, str]:
    """Register the features and make one row of each view known at a moment; return the service's identity."""
    from feature_repo.definitions import TEXTS, VIEWS
    from feature_repo.online import write_known
    from feature_repo.store import apply, open_feature_store, service_identity

    tables = settings.project / "data" / "features"
    tables.mkdir(parents=True)
    for view, (key, _, features) in VIEWS.items():
        values = {name: "text" if name in TEXTS else KNOWN for name in features}
        row = {key: KEYS[key], "event_timestamp": known, **values}
        row |= {"created": known} if view == "weather" else {}
        frame = pl.DataFrame([row]).with_columns(pl.col(pl.Datetime).cast(pl.Datetime("us", "UTC")))
        frame.write_parquet(tables / f"{view}.parquet")
    store = open_feature_store(settings)
    apply(store)
    write_known(store, None, known)
    identity = service_identity(store)
    return {"name": identity["name"], "spec_hash": identity["spec_hash"]}


def make_carried(settings: Settings, tree: Path) -> Path:
    """Sign a permit for a tree in a folder `model`, put it beside that folder, and return the folder around them."""
    shutil.copy(permit_tree(settings, tree), tree.parent / "permit.json")
    built = BuiltFor(USE, open_permit_verifier(settings).key_id)
    (tree.parent / "use.json").write_bytes(built.to_bytes())
    return tree.parent


def flight(number: int, **changes: Any) -> dict[str, Any]:
    """Return a flight of that number as a request holds it."""
    return FLIGHT | {"flight": number, "flight_id": f"2013-08-01:UA:{number}:1015:EWR"} | changes
