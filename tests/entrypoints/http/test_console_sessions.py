"""Logins of the console: what a cookie proves, when it ends, and how often a caller may try."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.bootstrap.lineage_events import open_access
from handrail.entrypoints.http import console_sessions
from handrail.entrypoints.http.console_sessions import GOOD_FOR, TRIES, TRIES_OF_ALL, WITHIN_S, Sessions, Tries
from handrail.lineage import HolderKind, May, OutOfScope, TokenScope
from tests.fakes.lineage_server import a_platform

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def access(tmp_path):
    with a_platform(tmp_path) as platform:
        yield open_access(platform.store)


@pytest.fixture
def token(access):
    return access.create("cleo@shop", HolderKind.PERSON)


def test_a_cookie_names_the_holder_of_the_token_and_does_not_hold_it(access, token):
    sessions = Sessions(access)

    cookie = sessions.begin(token, NOW)

    assert sessions.read(cookie, NOW).record.holder == "actor://person/cleo@shop"
    assert token not in cookie


def test_no_token_no_login(access, token):
    assert Sessions(access).begin("", NOW) is None
    assert Sessions(access).begin(token[:-1], NOW) is None


def test_a_login_ends_after_twelve_hours(access, token):
    sessions = Sessions(access)
    cookie = sessions.begin(token, NOW)

    assert sessions.read(cookie, NOW + GOOD_FOR - timedelta(seconds=1)) is not None
    assert sessions.read(cookie, NOW + GOOD_FOR) is None
    assert sessions.read(cookie, NOW - timedelta(hours=1)) is None


def test_a_login_ends_when_its_token_is_revoked_also_if_another_gets_its_name(access, token):
    sessions = Sessions(access)
    cookie = sessions.begin(token, NOW)

    access.revoke("cleo@shop")
    revoked = sessions.read(cookie, NOW)
    access.create("cleo@shop", HolderKind.PERSON)

    assert revoked is None
    assert sessions.read(cookie, NOW) is None


def test_a_login_that_was_ended_counts_no_more_and_others_stay(access, token):
    sessions = Sessions(access)
    ended, other = sessions.begin(token, NOW), sessions.begin(token, NOW)

    sessions.end(sessions.read(ended, NOW), NOW)

    assert sessions.read(ended, NOW) is None
    assert sessions.read(other, NOW) is not None


def test_what_was_ended_is_forgotten_once_it_is_too_old_to_count(access, token, monkeypatch):
    monkeypatch.setattr(console_sessions, "MOST_ENDED", 2)
    sessions = Sessions(access)
    for _ in range(4):
        sessions.end(sessions.read(sessions.begin(token, NOW), NOW), NOW)
    kept = len(sessions._ended)

    later = NOW + GOOD_FOR + timedelta(hours=1)
    sessions.end(sessions.read(sessions.begin(token, later), later), later)

    assert (kept, len(sessions._ended)) == (2, 1)


@pytest.mark.parametrize("change", ["name", "made", "mark", "signature", "cut", "more", "empty", "digits"])
def test_a_cookie_that_was_altered_is_none(access, token, change):
    access.create("admin")
    sessions = Sessions(access)
    name, made, mark, signature = sessions.begin(token, NOW).split("~")
    altered = {
        "name": f"admin~{made}~{mark}~{signature}",
        "made": f"{name}~{int(made) + 1}~{mark}~{signature}",
        "mark": f"{name}~{made}~{mark}x~{signature}",
        "signature": f"{name}~{made}~{mark}~{signature[:-1]}é",
        "cut": f"{name}~{made}~{mark}",
        "more": f"{name}~{made}~{mark}~{signature}~",
        "empty": "",
        "digits": f"{name}~{'9' * 400}~{mark}~{signature}",
    }

    assert sessions.read(altered[change], NOW) is None


def test_another_process_does_not_know_the_cookie(access, token):
    assert Sessions(access).read(Sessions(access).begin(token, NOW), NOW) is None


def test_a_token_that_may_not_ask_lets_nobody_in(access):
    only_sends = access.create("etl", scope=TokenScope(frozenset({May.SEND})))

    with pytest.raises(OutOfScope, match="--may ask"):
        Sessions(access).begin(only_sends, NOW)


def test_who_sends_the_same_wrong_token_again_waits_and_others_at_the_address_do_not():
    clock = [100.0]
    tries = Tries(lambda: clock[0])
    for number in range(TRIES):
        assert tries.wait_s("10.0.0.1", "an-old-token") == 0
        tries.failed("10.0.0.1", f"an-old-token-mistyped-{number}")

    assert 0 < tries.wait_s("10.0.0.1", "an-old-token") <= WITHIN_S + 1
    assert tries.wait_s("10.0.0.1", "another token") == 0
    assert tries.wait_s("10.0.0.2", "an-old-token") == 0
    clock[0] += WITHIN_S
    assert tries.wait_s("10.0.0.1", "an-old-token") == 0


def test_an_address_that_tries_many_tokens_waits_whatever_it_sends():
    clock = [100.0]
    tries = Tries(lambda: clock[0])
    for number in range(TRIES_OF_ALL):
        assert tries.wait_s("10.0.0.1", "the right one") == 0
        tries.failed("10.0.0.1", f"{number:08d}")

    assert 0 < tries.wait_s("10.0.0.1", "the right one") <= WITHIN_S + 1
    assert tries.wait_s("10.0.0.2", "the right one") == 0
    clock[0] += WITHIN_S
    assert tries.wait_s("10.0.0.1", "the right one") == 0


def test_what_is_remembered_of_failures_is_bounded(monkeypatch):
    monkeypatch.setattr(console_sessions, "MOST_REMEMBERED", 3)
    tries = Tries(lambda: 1.0)
    for number in range(50):
        tries.failed(f"10.0.0.{number}", "wrong")

    assert len(tries._failed) == 3
