"""Handrail's own bentos for `bench-serving`: built, permitted, deployed and served as any, with lookup and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from flows.steps.release.deploy import deploy
from flows.steps.release.desk import Desk
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.http import serving_token
from handrail.settings import Settings
from infra.servers.supervisor import Servers, port_of, with_free_ports
from tests.benchmarks.serving_case import Case, make_case, write_requests
from tests.fakes.bento_project import KNOWN, make_features, make_project
from tests.fakes.permitted_tree import permit_tree

ALONE = {
    "messages.py": '''"""Rows that bring their features need no rule beyond the description."""

from handrail.entrypoints.bentoml.messages import item_of as flight_of

__all__ = ["flight_of"]
''',
    "store.py": '''"""Features come with the request: there is no store."""

from types import SimpleNamespace


def open_feature_store(settings):
    """Return a store that knows the service, and holds nothing."""
    return SimpleNamespace(list_feature_services=lambda: [SimpleNamespace(name="brought_v1")])


def apply(store):
    """Register nothing."""


def service_identity(store, service):
    """Return the only service."""
    return {"name": "brought_v1", "spec_hash": "0" * 64}
''',
    "online.py": '''"""Features come with the request: nothing is looked up."""

from handrail.readings import Reading


def online(store, rows, at, service=None):
    """Return no column."""
    return {}


def reader(store, service, within_s=0.2):
    """Return what reads no column."""
    return lambda rows, at: Reading({})
''',
}
"""The files of a project whose requests bring their features."""
BROUGHT = {"name": "brought_v1", "spec_hash": "0" * 64}


@dataclass(frozen=True, slots=True)
class Project:
    """A project with a permitted model that is not deployed yet."""

    settings: Settings
    case: Case

    @property
    def package(self) -> Path:
        """The model's folder."""
        return self.settings.project / "models" / "package"


def with_lookup(folder: Path) -> Project:
    """Make this repository's project: its features are in its store since an hour, and the model takes all of them."""
    from feature_repo.definitions import SELECTED
    from feature_repo.schedule import SCHEDULE_FEATURES

    settings = make_project(folder).model_copy(update={"replay": False})
    service = make_features(settings, datetime.now(UTC) - timedelta(hours=1))
    stored = (*SCHEDULE_FEATURES, *(name for of in SELECTED.values() for name in of))
    return _with_model(settings, stored, service)


def expected_of_flights(case: Case, items: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the scores of items whose stored features are all known."""
    from feature_repo.schedule import request_fields, schedule_columns

    read = [
        {**item, **{name: datetime.fromisoformat(item[name]) for name in ("sched_dep", "sched_arr")}} for item in items
    ]
    computed = schedule_columns(request_fields(read))
    stored = {name: [KNOWN] * len(items) for name in case.features if name not in computed}
    columns = stored | computed | {"carrier": [item["carrier"] for item in items]}
    return case.scorer.score(columns).astype(float).tolist()


def without_lookup(folder: Path, like: Case) -> Project:
    """Make the same project with the same model, requests that bring all features, and nothing that looks any up."""
    stored = like.features[1:]
    settings = make_project(folder).model_copy(update={"replay": False})
    (settings.project / "bentos" / "flights" / "messages.py").write_text(ALONE["messages.py"])
    for name in ("store.py", "online.py"):
        (settings.project / "feature_repo" / name).write_text(ALONE[name])
    file = settings.project / "config" / "use_case.yaml"
    file.write_text(yaml.safe_dump(_described(yaml.safe_load(file.read_text()), stored)))
    return _with_model(settings, stored, BROUGHT, like)


def _described(case: dict[str, Any], stored: Sequence[str]) -> dict[str, Any]:
    request = {name: case["request"][name] for name in ("flight_id", "carrier")}
    number = {"type": "number", "says": "a feature", "nullable": True, "example": 1.5}
    kept = {name: case[name] for name in ("version", "name", "question", "subject", "time", "label", "metrics")}
    return kept | {
        "request": request | {name: dict(number) for name in stored},
        "entities": [],
        "features": {"default": "all", "sets": {"all": BROUGHT["name"]}},
    }


def _with_model(
    settings: Settings, stored: Sequence[str], service: Mapping[str, str], like: Case | None = None
) -> Project:
    project = Project(settings, make_case(settings.project / "models" / "package", stored, service, like))
    permit_tree(settings, project.package)
    return project


@contextmanager
def deployed(project: Project, requests: Path, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Deploy and serve the project's bento, and write the requests that it gets; lend its port and process."""
    with open_platform(project.settings) as platform:
        deploy(Desk(platform, "mlflow-admin"), tree_digest(project.package))
    headers = {"Authorization": f"Bearer {serving_token(project.settings)}"}
    write_requests(requests, "/predict", [{"flights": [row]} for row in rows], headers)
    with Servers(with_free_ports(project.settings)) as servers:
        servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")
        port = port_of(servers.settings, "bento")
        assert port is not None
        yield port, servers.pid("bento")
