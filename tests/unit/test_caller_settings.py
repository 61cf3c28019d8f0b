"""The settings `callers`: what may be chosen, and what is refused before a service starts."""

import pytest
from pydantic import ValidationError

from handrail.caller_settings import CallerSettings
from handrail.errors import Misconfigured
from handrail.settings import load_settings

OIDC = {"oidc_issuer": "https://login.example", "oidc_audience": "churn", "oidc_jwks": "https://login.example/keys"}


def test_the_token_and_keys_are_taken_and_no_issuer_is_trusted_unless_it_is_named():
    chosen = CallerSettings()

    assert (chosen.token, chosen.keys, chosen.has_issuer) == (True, True, False)
    assert CallerSettings(**OIDC).has_issuer
    assert CallerSettings(**OIDC).oidc_algorithms == ("RS256",)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS384", "HS512", "rs256", ""])
def test_no_algorithm_without_a_public_key_can_be_chosen(algorithm):
    with pytest.raises(ValidationError):
        CallerSettings(**OIDC, oidc_algorithms=(algorithm,))


def test_an_empty_list_of_algorithms_is_refused():
    with pytest.raises(ValidationError):
        CallerSettings(**OIDC, oidc_algorithms=())


@pytest.mark.parametrize("missing", sorted(OIDC))
def test_an_issuer_is_named_whole(missing):
    with pytest.raises(ValidationError, match="together"):
        CallerSettings(**{name: value for name, value in OIDC.items() if name != missing})


def test_settings_that_let_nobody_in_are_refused():
    with pytest.raises(ValidationError, match="nobody could call"):
        CallerSettings(token=False, keys=False)


@pytest.mark.parametrize(
    "address",
    [
        *("http://login.example/keys", "ftp://login.example/keys", "https://", "http://localhost.example/keys"),
        *("http://127.0.0.1.example/", "file:///etc/passwd", "http://[::1"),
    ],
)
def test_keys_are_fetched_where_nobody_on_the_way_can_change_them(address):
    with pytest.raises(ValidationError):
        CallerSettings(**OIDC | {"oidc_jwks": address})


@pytest.mark.parametrize("place", ["http://127.0.0.1:8080/keys", "http://[::1]/k", "http://localhost/k", "keys.json"])
def test_a_set_may_be_on_this_machine(place):
    assert CallerSettings(**OIDC | {"oidc_jwks": place}).oidc_jwks == place


@pytest.mark.parametrize("given", [{"oidc_rights": "roles"}, {"oidc_predict": "x"}, {"oidc_report": "x"}])
def test_a_claim_with_rights_and_its_roles_are_named_together(given):
    with pytest.raises(ValidationError, match="beside oidc_rights"):
        CallerSettings(**OIDC, **given)


@pytest.mark.parametrize("seconds", [-1, 61])
def test_clocks_may_not_differ_by_more_than_a_minute(seconds):
    with pytest.raises(ValidationError):
        CallerSettings(**OIDC, oidc_leeway_s=seconds)


def test_variables_beat_the_file(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("callers: {token: false, oidc_algorithms: [ES256]}\n")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    assert load_settings().callers.oidc_algorithms == ("ES256",)

    monkeypatch.setenv("HANDRAIL_CALLERS__OIDC_ALGORITHMS", "PS256, EdDSA")
    chosen = load_settings().callers

    assert (chosen.token, chosen.oidc_algorithms) == (False, ("PS256", "EdDSA"))


def test_a_name_that_is_nearly_right_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_CALLERS__TOKENS", "false")

    with pytest.raises(Misconfigured, match="HANDRAIL_CALLERS__TOKEN"):
        load_settings()
