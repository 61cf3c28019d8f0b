"""Keys of a running bento: made, changed under load, revoked, named in its log and metrics; and an issuer's tokens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import open_keys
from handrail.delivery import EVERY_RIGHT, Keys, Right
from handrail.entrypoints.http.serving_token import serving_token
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of, with_free_ports
from tests.fakes import oidc_issuer as oidc
from tests.fakes.bento_project import flight

DAY = timedelta(days=1)
PATIENCE_S = 30


@pytest.fixture
def platform(project: Settings) -> Iterator[Platform]:
    with open_platform(project) as platform:
        yield platform


@pytest.fixture
def keys(platform: Platform) -> Keys:
    return open_keys(platform, "flights")


@pytest.fixture
def url(served: Servers) -> str:
    return address_of(served.settings, "bento")


def ask(url: str, key: str, number: int = 900, request_id: str = "a-caller") -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "X-Request-ID": request_id}
    content = {"flights": [flight(number)]}
    return httpx.post(f"{url}/predict", json=content, headers=headers, timeout=60, trust_env=False)


def within(seconds: float, ready: Callable[[], bool]) -> float:
    """Wait until something is so, and return after how many seconds it was."""
    began, pause = time.monotonic(), Event()
    while not ready():
        assert time.monotonic() - began < seconds
        pause.wait(0.05)
    return time.monotonic() - began


def test_a_key_predicts_and_what_it_may_not_is_refused(url: str, keys: Keys) -> None:
    key, _ = keys.make("crew-desk", "ada", DAY, frozenset({Right.PREDICT}))
    within(5, lambda: ask(url, key).status_code == 200)

    refused = httpx.post(
        f"{url}/api/feedback", json={"events": []}, headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )

    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    assert "You may not report here" in refused.json()["detail"]
    assert "insufficient_scope" in refused.headers["www-authenticate"]


def test_a_revoked_key_stops_and_an_expired_one_too(url: str, keys: Keys) -> None:
    key, made = keys.make("crew-desk", "ada", DAY)
    short, _ = keys.make("crew-desk", "ada", timedelta(seconds=4))
    within(5, lambda: ask(url, key).status_code == 200)
    assert ask(url, short).status_code == 200

    keys.revoke(made.key_id, "ada")

    assert within(5, lambda: ask(url, key).status_code == 401) < 5
    assert within(6, lambda: ask(url, short).status_code == 401) < 6


def test_keys_are_changed_under_load_and_no_request_is_lost(url: str, keys: Keys) -> None:
    first, made = keys.make("batch", "ada", DAY, EVERY_RIGHT)
    within(5, lambda: ask(url, first).status_code == 200)
    current, stop, statuses = [first], Event(), []

    def send() -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while not stop.is_set():
                headers = {"Authorization": f"Bearer {current[0]}"}
                statuses.append(client.post("/predict", json={"flights": [flight(901)]}, headers=headers).status_code)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            second, next_made = keys.make("batch", "ada", DAY)
            within(5, lambda key=second: ask(url, key).status_code == 200)  # type: ignore[misc]
            current[0] = second
            # Each client has sent with the new key before the old one is revoked.
            sent = len(statuses)
            within(30, lambda sent=sent: len(statuses) > sent + 20)  # type: ignore[misc]
            keys.revoke(made.key_id, "ada")
            within(5, lambda key=first: ask(url, key).status_code == 401)  # type: ignore[misc]
            first, made = second, next_made
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)

    assert set(statuses) == {200}
    assert len(statuses) > 60


def test_the_log_and_the_metrics_name_the_caller_and_nothing_holds_the_key(
    url: str, keys: Keys, served: Servers, platform: Platform
) -> None:
    key, _ = keys.make("named-caller", "ada", DAY)
    within(5, lambda: ask(url, key).status_code == 200)
    answer = ask(url, key, 902, "named-in-the-log")

    within(PATIENCE_S, lambda: "named-in-the-log" in served.log_of("bento").read_text())

    log = served.log_of("bento").read_text()
    (line,) = [json.loads(each) for each in log.splitlines() if "named-in-the-log" in each]
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics", trust_env=False).text)
    called = {
        each.labels["caller"]: each.value
        for family in families
        for each in family.samples
        if each.name == "handrail_serving_caller_requests_total" and each.labels["code"] == "200"
    }
    assert answer.status_code == 200
    assert line["caller"] == "key:named-caller"
    assert called["key:named-caller"] >= 2
    secret = key.split("_", 2)[2].encode()
    home = platform.settings.home
    assert not any(secret in file.read_bytes() for file in home.rglob("*") if file.is_file() and not file.is_symlink())


def test_the_document_names_how_callers_say_who_they_are(url: str) -> None:
    document = httpx.get(f"{url}/docs.json", trust_env=False).json()

    schemes = document["components"]["securitySchemes"]
    post = document["paths"]["/predict"]["post"]
    assert {name: (each["type"], each["scheme"]) for name, each in schemes.items()} == {
        name: ("http", "bearer") for name in ("token", "key")
    }
    assert post["security"] == [{"token": []}, {"key": []}]
    assert document["paths"]["/api/feedback"]["post"]["security"] == post["security"]
    assert {"401", "403"} <= post["responses"].keys()


def test_with_an_issuer_alone_its_tokens_predict_and_neither_token_nor_key_does(
    own_project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own_project.home / "issuer.json"
    file.write_text(json.dumps({"keys": [oidc.jwk(oidc.rsa_key())]}))
    chosen = {"TOKEN": "false", "KEYS": "false", "OIDC_ISSUER": oidc.ISSUER, "OIDC_AUDIENCE": oidc.AUDIENCE}
    for name, value in (chosen | {"OIDC_JWKS": str(file)}).items():
        monkeypatch.setenv(f"HANDRAIL_CALLERS__{name}", value)
    with open_platform(own_project) as platform:
        key, _ = open_keys(platform, "flights").make("crew-desk", "ada", DAY)

    with Servers(with_free_ports(own_project)) as servers:
        servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")
        url = address_of(servers.settings, "bento")
        good = ask(url, oidc.signed(), 903)
        others = [ask(url, each).status_code for each in (serving_token(own_project), key, oidc.signed(aud="x"))]
        schemes = httpx.get(f"{url}/docs.json", trust_env=False).json()["components"]["securitySchemes"]

    assert (good.status_code, others) == (200, [401, 401, 401]), good.text
    assert list(schemes) == ["oidc"]
