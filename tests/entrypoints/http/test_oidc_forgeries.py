"""Every known way to forge a bearer token of an OIDC issuer is refused, and the answer quotes nothing of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.caller_settings import CallerSettings
from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from handrail.entrypoints.http.jwks import read_key_set
from handrail.entrypoints.http.oidc import LONGEST_TOKEN, OidcTokens
from handrail.entrypoints.http.serving_callers import ServingCallers
from tests.fakes import oidc_issuer as oidc
from tests.fakes.guarded_app import TYPE, Inner, call, with_callers
from tests.fakes.oidc_door import SETTINGS, Door


@pytest.fixture
def door() -> Door:
    return Door(oidc.Issuer())


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_a_signature_is_refused(door: Door, name: str) -> None:
    assert "algorithm" in door.refuses(oidc.by_hand({"alg": name, "kid": "one"}, oidc.claims()))


def test_a_secret_made_of_the_public_key_is_refused(door: Door) -> None:
    pem = oidc.public_pem(oidc.rsa_key())

    assert "algorithm" in door.refuses(oidc.with_public_key_as_secret(pem))


@pytest.mark.parametrize("algorithm", ["PS256", "RS512"])
def test_an_algorithm_that_is_not_listed_is_refused_even_with_the_right_key(door: Door, algorithm: str) -> None:
    assert "algorithm" in door.refuses(oidc.signed(algorithm=algorithm))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "payments"}, "another audience"),
        ({"aud": ["payments", "churn2"]}, "another audience"),
        ({"aud": None}, "lacks"),
        ({"iss": "https://login.example/realms/op"}, "another issuer"),
        ({"iss": f"{oidc.ISSUER}/"}, "another issuer"),
        ({"iss": None}, "lacks"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"exp": None}, "lacks"),
        ({"exp": "soon"}, "read"),
        ({"exp": 1e400}, "read"),
        ({"nbf": int(time.time()) + 3600}, "not valid yet"),
        ({"iat": int(time.time()) + 3600}, "not valid yet"),
        ({"sub": None}, "names nobody"),
        ({"sub": ""}, "names nobody"),
        ({"sub": 7}, "read"),
    ],
)
def test_claims_that_do_not_hold_are_refused(door: Door, changes: dict[str, Any], reason: str) -> None:
    assert reason in door.refuses(oidc.signed(**changes))


def test_clocks_may_differ_a_little_and_no_more() -> None:
    door = Door(oidc.Issuer(), oidc_leeway_s=30)

    assert door.ask(oidc.signed(exp=int(time.time()) - 10, nbf=int(time.time()) + 10)).status == 200
    door.inner.seen.clear()
    assert "expired" in door.refuses(oidc.signed(exp=int(time.time()) - 45))


def test_a_key_of_somebody_else_under_the_id_of_the_issuer_is_refused(door: Door) -> None:
    assert "signature" in door.refuses(oidc.signed(oidc.rsa_key("mallory")))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_is_refused(door: Door, part: int) -> None:
    parts = oidc.signed().split(".")
    place = len(parts[part]) // 2
    parts[part] = parts[part][:place] + ("A" if parts[part][place] != "A" else "B") + parts[part][place + 1 :]

    door.refuses(".".join(parts))


def test_addresses_and_keys_in_a_token_are_never_used() -> None:
    mallory = oidc.rsa_key("mallory")
    door = Door(oidc.Issuer())
    headers = {
        "jku": "https://mallory.example/keys",
        "x5u": "https://mallory.example/cert",
        "jwk": oidc.jwk(mallory),
        "x5c": ["AAAA"],
    }

    assert "signature" in door.refuses(oidc.signed(mallory, headers=headers))
    assert door.issuer.calls == [oidc.ADDRESS]


@pytest.mark.parametrize(
    "kid",
    [
        *("../../../../etc/passwd", "/dev/null", "https://mallory.example/k", "one' OR '1'='1", "one\x00", "", "two"),
        "k" * 4000,
    ],
)
def test_an_id_of_a_key_is_only_looked_up(door: Door, kid: str) -> None:
    door.refuses(oidc.signed(headers={"kid": kid}))

    assert set(door.issuer.calls) == {oidc.ADDRESS}


@pytest.mark.parametrize("kid", [None, 7, ["one"], {"a": 1}, True])
def test_an_id_that_is_no_text_is_refused(door: Door, kid: Any) -> None:
    door.refuses(oidc.by_hand({"alg": "RS256", "kid": kid}, oidc.claims(), b"x" * 256))


@pytest.mark.parametrize("extra", [{"crit": ["b64"], "b64": False}, {"crit": ["exp"]}, {"crit": []}, {"b64": False}])
def test_a_header_that_has_to_be_understood_and_is_not_is_refused(door: Door, extra: dict[str, Any]) -> None:
    door.refuses(oidc.by_hand({"alg": "RS256", "kid": "one"} | extra, oidc.claims(), b"x" * 256))


@pytest.mark.parametrize("typ", ["logout+jwt", "Logout+JWT", "application/logout+jwt"])
def test_a_logout_token_lets_nobody_in(door: Door, typ: str) -> None:
    assert "logout token" in door.refuses(oidc.signed(headers={"typ": typ}))


@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt", "logout+jwt", ""])
def test_a_token_of_another_type_than_the_chosen_one_is_refused(typ: str) -> None:
    Door(oidc.Issuer(), oidc_typ="at+jwt").refuses(oidc.signed(headers={"typ": typ}))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_a_token_of_the_chosen_type_opens(typ: str) -> None:
    assert Door(oidc.Issuer(), oidc_typ="at+jwt").ask(oidc.signed(headers={"typ": typ})).status == 200


def test_a_huge_token_is_refused_before_it_is_read(door: Door) -> None:
    sentence = door.refuses(oidc.signed(blob="x" * LONGEST_TOKEN))

    assert "longer than 8,192" in sentence
    assert door.issuer.calls == []


def test_deep_nesting_is_refused(door: Door) -> None:
    deep = b"[" * 2500
    door.refuses(oidc.by_hand({"alg": "RS256", "kid": "one"}, deep, b"x" * 256))
    door.refuses(f"{oidc.encoded(deep)}.e30.AAAA")


@pytest.mark.parametrize("token", ["a", ".", "..", "...", "a.b", "a.b.c.d.e", "é.é.é", "e30.e30.", "W10.W10.AA"])
def test_what_is_no_token_is_refused(door: Door, token: str) -> None:
    door.refuses(token)


@given(st.text(st.characters(codec="latin-1"), max_size=60) | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[\w-]*"))
def test_nothing_that_somebody_types_is_let_in(text: str) -> None:
    callers = ServingCallers(tokens=OidcTokens(CallerSettings(**SETTINGS), lambda: read_key_set("none", Path("/x"))))
    inner = Inner()
    header = f"Bearer {text}".encode("latin-1", "replace")

    answer = call(
        FeedbackGuard(inner, with_callers(callers)),
        "/predict",
        headers=[(b"authorization", header), TYPE],
    )

    assert answer.status in (401, 503)
    assert inner.seen == []
