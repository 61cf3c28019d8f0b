"""Tokens of forms: for one account and one thing, for some hours."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.entrypoints.console.tokens import GOOD_FOR, Forms
from handrail.errors import Refused

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FORMS = Forms(b"secret")


def test_what_this_server_made_passes_again_and_in_another_process():
    token = FORMS.token("cleo", "decision pr-1 sha256:aa", NOW)

    FORMS.check(token, "cleo", "decision pr-1 sha256:aa", NOW + GOOD_FOR - timedelta(seconds=1))
    Forms(b"secret").check(token, "cleo", "decision pr-1 sha256:aa", NOW)


@pytest.mark.parametrize(
    ("account", "about"),
    [("ada", "decision pr-1 sha256:aa"), ("cleo", "decision pr-1 sha256:bb"), ("cleo", "renewal pr-1"), ("cleo", "")],
)
def test_another_account_or_another_thing_does_not_pass(account, about):
    token = FORMS.token("cleo", "decision pr-1 sha256:aa", NOW)

    with pytest.raises(Refused, match="not one of this page's own"):
        FORMS.check(token, account, about, NOW)


@pytest.mark.parametrize("token", ["", ".", "1", "x.y", "99999999999999999999.ab", "²3.ab", "é.é"])
def test_rubbish_does_not_pass(token):
    with pytest.raises(Refused):
        FORMS.check(token, "cleo", "decision", NOW)


def test_another_secret_does_not_pass():
    with pytest.raises(Refused):
        Forms(b"other").check(FORMS.token("cleo", "x", NOW), "cleo", "x", NOW)


@pytest.mark.parametrize("age", [GOOD_FOR + timedelta(minutes=2), timedelta(minutes=-5)])
def test_an_old_page_and_one_from_the_future_are_refused(age):
    with pytest.raises(Refused, match="12 hours"):
        FORMS.check(FORMS.token("cleo", "x", NOW), "cleo", "x", NOW + age)


def test_an_account_and_a_thing_cannot_be_shifted_into_each_other():
    token = FORMS.token("cleo", "x", NOW)

    with pytest.raises(Refused):
        FORMS.check(token, "cle", "ox", NOW)
