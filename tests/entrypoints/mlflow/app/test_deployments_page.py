"""What answers now, on a real server: for whoever MLflow lets read the model, and of this server alone."""

from datetime import UTC, datetime

import pytest

from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import server_name
from handrail.refs import Deployment, ModelVersion

JSON = {"Accept": "application/json"}
SINCE = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def deployed(server, made):
    """Slots of this server's model, of another server's model of that name, and of nobody knows what."""
    own = ModelVersion(server_name(server.settings), made.name, 7, 1).uri
    with Platform(server.settings) as platform:
        for name, version in ((made.name, own), (f"{made.name}-far", own.replace("//", "//far-", 1)), ("bare", None)):
            deployment = Deployment("local", name, "v1")
            if version:
                platform.feedback.register_deployment(deployment.uri, None, version, None, SINCE)
            platform.lineage.point(f"deploy://local/{name}", deployment, SINCE, by="ada")
    return made


def _services(server, account):
    with server.person(account) as http:
        answer = http.get("/handrail/deployments", headers=JSON)
    assert answer.status_code == 200, answer.text
    return [slot["service"] for slot in answer.json()["slots"]]


def test_deployments_are_for_whoever_may_read_the_model(server, deployed):
    grant = {"username": "ben", "resource_type": "registered_model", "resource_id": deployed.name}
    refused = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=grant | {"permission": "DENY"})
    assert refused.status_code == 200, refused.text

    assert deployed.name in _services(server, "cleo")
    assert deployed.name not in _services(server, "ben")
    with server.person("ben") as http:
        answer = http.get("/handrail/deployments", params={"service": deployed.name}, headers=JSON)
    assert answer.status_code == 404


def test_deployments_of_other_servers_and_of_no_model_are_not_shown(server, deployed):
    seen = _services(server, "cleo")

    assert deployed.name in seen
    assert not {f"{deployed.name}-far", "bare"} & set(seen)


def test_what_really_happened_is_a_page_for_whoever_is_logged_in(server, deployed):
    with server.person("cleo") as http:
        answer = http.get("/handrail/feedback", headers=JSON)

    assert (answer.status_code, "kinds" in answer.json()) == (200, True)
    with server.http("nobody", "wrong") as http:
        assert http.get("/handrail/feedback").status_code == 401


def test_a_promoted_request_says_which_service_does_not_follow(server, made):
    with Platform(server.settings) as platform:
        old, slot = Deployment("local", made.name, "v9"), f"deploy://local/{made.name}"
        uri = ModelVersion(server_name(server.settings), made.name, 7, 9).uri
        platform.feedback.register_deployment(old.uri, None, uri, None, SINCE)
        platform.lineage.point(slot, old, SINCE, by="ada")
    request_id = made.promote()["request_id"]

    with server.person("cleo") as http:
        alerts = http.get(f"/handrail/requests/{request_id}", headers=JSON).json()["alerts"]

    still = f"{made.name} in local still answers with {made.name} 9."
    assert [alert["title"] for alert in alerts] == [f"{made.name} {made.version} is champion, but {still}"]
