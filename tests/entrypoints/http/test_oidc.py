"""Bearer tokens of an OIDC issuer: what a good one opens, and which keys of the issuer check it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import RSAAlgorithm

from handrail.caller_settings import CallerSettings
from handrail.entrypoints.http.jwks import read_key_set
from handrail.entrypoints.http.oidc import JWKS_PACE, OidcTokens
from tests.fakes import oidc_issuer as oidc
from tests.fakes.oidc_door import SETTINGS, Door


@pytest.fixture
def door() -> Door:
    return Door(oidc.Issuer())


def test_a_good_token_opens_every_door_and_the_keys_are_fetched_once(door: Door) -> None:
    answers = [door.ask(oidc.signed(), path).status for path in ("/predict", "/api/feedback", "/predict")]

    assert answers == [200, 200, 200]
    assert door.issuer.calls == [oidc.ADDRESS]


def test_the_audience_may_be_one_of_several(door: Door) -> None:
    assert door.ask(oidc.signed(aud=["other", oidc.AUDIENCE])).status == 200


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
@pytest.mark.parametrize(
    ("entry", "token"),
    [
        (oidc.jwk(oidc.other_key("p256")), lambda: oidc.signed()),
        (oidc.jwk(oidc.other_key("p384")), lambda: oidc.signed(oidc.other_key("p384"), "ES384")),
        (oidc.jwk(oidc.rsa_key(), use="enc"), lambda: oidc.signed()),
        (oidc.jwk(oidc.rsa_key(), key_ops=["encrypt"]), lambda: oidc.signed()),
        (oidc.jwk(oidc.rsa_key(), alg="RS512"), lambda: oidc.signed()),
        (oidc.jwk(oidc.rsa_key("short", 1024)), lambda: oidc.signed(oidc.rsa_key("short", 1024))),
        ({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}, lambda: oidc.signed()),
        ({"kty": "RSA", "kid": "one", "n": "!", "e": 3}, lambda: oidc.signed()),
        (
            {"kty": "RSA", "kid": 1} | {k: v for k, v in oidc.jwk(oidc.rsa_key()).items() if k in "ne"},
            lambda: oidc.signed(),
        ),
        ({"kid": "one"}, lambda: oidc.signed()),
        ({"kty": ["RSA"], "kid": "one"}, lambda: oidc.signed()),
        ({"kty": {"RSA": 1}, "kid": "one"}, lambda: oidc.signed()),
    ],
    ids=[
        "type",
        "curve",
        "use",
        "operations",
        "algorithm",
        "short",
        "secret",
        "broken",
        "kid",
        "empty",
        "types",
        "mapping",
    ],
)
def test_a_key_of_a_wrong_kind_checks_nothing(entry: dict[str, Any], token: Callable[[], str]) -> None:
    good = oidc.jwk(oidc.rsa_key("other"), "good")

    Door(oidc.Issuer(entry, good), oidc_algorithms=("RS256", "ES256")).refuses(token())


@pytest.mark.parametrize(("kind", "algorithm"), [("p256", "ES256"), ("p384", "ES384"), ("ed25519", "EdDSA")])
def test_other_public_keys_check_tokens_by_their_own_algorithm(kind: str, algorithm: str) -> None:
    key = oidc.other_key(kind)
    door = Door(oidc.Issuer(oidc.jwk(key)), oidc_algorithms=(algorithm, "RS256"))

    assert door.ask(oidc.signed(key, algorithm)).status == 200


def test_a_key_on_another_curve_is_none_for_the_algorithm() -> None:
    door = Door(oidc.Issuer(oidc.jwk(oidc.other_key("p384"))), oidc_algorithms=("ES256",))
    token = oidc.by_hand({"alg": "ES256", "kid": "one"}, oidc.claims(), b"x" * 64)

    assert "no key of its id for its algorithm" in door.refuses(token)


def test_a_private_key_in_a_set_is_left_out(door: Door) -> None:
    private = dict(RSAAlgorithm.to_jwk(oidc.rsa_key(), as_dict=True)) | {"kid": "one"}
    door.issuer.keys = [{name: value for name, value in private.items() if name != "key_ops"}]

    assert door.ask(oidc.signed()).status == 503


def test_a_token_that_names_no_key_is_checked_by_the_only_one() -> None:
    token = oidc.signed(headers={"kid": None})
    both = Door(oidc.Issuer(oidc.jwk(oidc.rsa_key()), oidc.jwk(oidc.rsa_key("second"), "two")))

    assert Door(oidc.Issuer()).ask(token).status == 200
    both.refuses(token)


def test_a_new_key_of_the_issuer_is_fetched_when_it_is_named_and_not_more_than_once_in_ten_seconds(door: Door) -> None:
    assert door.ask(oidc.signed()).status == 200
    door.later = JWKS_PACE.again_s + 1
    new = oidc.rsa_key("second")
    door.issuer.keys = [oidc.jwk(oidc.rsa_key()), oidc.jwk(new, "two")]

    assert door.ask(oidc.signed(new, headers={"kid": "two"})).status == 200
    for number in range(50):
        door.ask(oidc.signed(headers={"kid": f"made-up-{number}"}))
    assert len(door.issuer.calls) == 2


def test_a_key_that_the_issuer_removed_opens_nothing_after_ten_minutes(door: Door) -> None:
    token = oidc.signed(exp=int(time.time()) + 9999)
    assert door.ask(token).status == 200
    door.issuer.keys = [oidc.jwk(oidc.rsa_key("second"), "two")]
    door.later = JWKS_PACE.waits_s + 1
    door.inner.seen.clear()

    door.refuses(token)


def test_while_the_issuer_is_away_nobody_new_is_let_in_and_known_keys_count_for_an_hour(door: Door) -> None:
    door.issuer.away = True
    early = door.ask(oidc.signed())
    door.issuer.away, door.later = False, 20
    assert door.ask(oidc.signed()).status == 200
    door.issuer.away, door.later = True, 20 + JWKS_PACE.waits_s + 1
    assert door.ask(oidc.signed()).status == 200
    door.later += JWKS_PACE.stale_s
    door.inner.seen.clear()
    late = door.ask(oidc.signed())

    assert [(answer.status, answer.headers["retry-after"]) for answer in (early, late)] == [(503, "5"), (503, "5")]
    assert "cannot be read" in late.problem["detail"]
    assert door.inner.seen == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, b""),
        (500, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"keys": 1}'),
        (200, b'{"keys": []}'),
    ]
    + [
        (200, b'{"keys": ["x", null, 7]}'),
        (200, b"[" * 50_000),
        (200, b" " * 300_000 + b'{"keys": []}'),
        (200, b"\xff"),
    ],
)
def test_what_is_no_key_set_lets_nobody_in(door: Door, status: int, body: bytes) -> None:
    door.issuer.status, door.issuer.body = status, body

    assert door.ask(oidc.signed()).status == 503
    assert door.inner.seen == []


def test_a_key_that_the_library_cannot_use_is_left_out_alone(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    read = RSAAlgorithm.from_jwk

    def unsupported(entry: Any) -> Any:
        if entry["kid"] == "strange":
            raise UnsupportedAlgorithm("this curve is not supported")
        return read(entry)

    monkeypatch.setattr(RSAAlgorithm, "from_jwk", unsupported)
    door.issuer.keys.insert(0, oidc.jwk(oidc.rsa_key("second"), "strange"))

    assert door.ask(oidc.signed()).status == 200


def test_a_set_on_this_machine_is_not_fetched_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps({"keys": [oidc.jwk(oidc.rsa_key())]}).encode()

    class KeysPage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), KeysPage) as server:
        Thread(target=server.handle_request, daemon=True).start()
        found = read_key_set(f"http://127.0.0.1:{server.server_port}/certs", Path())

    assert found.knows("one")


def test_a_set_may_lie_in_a_file_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [oidc.jwk(oidc.rsa_key())]}))

    tokens = OidcTokens(CallerSettings(**SETTINGS), partial(read_key_set, "keys.json", tmp_path))

    assert asyncio.run(tokens.find(oidc.signed()))[0] == "crew-desk"


@pytest.mark.parametrize(
    ("given", "opens"),
    [
        ({"roles": ["forecasts", 7]}, {"/predict"}),
        ({"roles": "outcomes other"}, {"/api/feedback"}),
        ({"roles": ["forecasts", "outcomes"]}, {"/predict", "/api/feedback"}),
        ({"roles": ["forecast", "Forecasts"]}, set()),
        ({"roles": {"forecasts": True}}, set()),
        ({}, set()),
    ],
)
def test_a_right_needs_its_role(given: dict[str, Any], opens: set[str]) -> None:
    door = Door(oidc.Issuer(), oidc_rights="roles", oidc_predict="forecasts", oidc_report="outcomes")

    answers = {path: door.ask(oidc.signed(**given), path) for path in ("/predict", "/api/feedback")}

    assert {path for path, answer in answers.items() if answer.status == 200} == opens
    for refused in (answer for answer in answers.values() if answer.status != 200):
        assert refused.status == 403
        assert "insufficient_scope" in refused.headers["www-authenticate"]
        assert refused.problem["detail"].startswith("You may not")
        assert b"crew-desk" not in refused.body


@pytest.mark.parametrize("given", [{"realm_access": {"roles": ["forecasts"]}}, {"realm_access.roles": ["forecasts"]}])
def test_a_role_may_lie_deeper_and_one_that_is_not_named_gives_nothing(given: dict[str, Any]) -> None:
    door = Door(oidc.Issuer(), oidc_rights="realm_access.roles", oidc_predict="forecasts")

    assert door.ask(oidc.signed(**given)).status == 200
    assert door.ask(oidc.signed(**given), "/api/feedback").status == 403


def test_another_claim_may_name_the_caller() -> None:
    door = Door(oidc.Issuer(), oidc_name="azp")

    assert door.ask(oidc.signed(azp="batch")).status == 200
    door.inner.seen.clear()
    assert "'azp' names nobody" in door.refuses(oidc.signed())


def test_a_token_that_was_checked_is_refused_once_it_has_expired() -> None:
    door = Door(oidc.Issuer(), oidc_leeway_s=0)
    token = oidc.signed(exp=int(time.time()) + 2)
    assert door.ask(token).status == 200
    assert door.tokens._checked.keys() == {token}
    over, pause = time.time() + 2, Event()
    while time.time() < over:
        pause.wait(0.05)
    door.inner.seen.clear()

    assert "expired" in door.refuses(token)


def test_a_token_that_was_checked_is_checked_again_with_other_keys(door: Door) -> None:
    token = oidc.signed()
    assert [door.ask(token).status for _ in range(2)] == [200, 200]
    door.issuer.keys, door.later = [oidc.jwk(oidc.rsa_key("mallory"))], JWKS_PACE.waits_s + 1
    door.inner.seen.clear()

    assert "signature" in door.refuses(token)


def test_of_many_tokens_so_many_are_remembered(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handrail.entrypoints.http.oidc.MOST_REMEMBERED", 3)

    for number in range(7):
        assert door.ask(oidc.signed(sub=f"caller-{number}")).status == 200

    assert len(door.tokens._checked) <= 3
