"""Each form of the MLflow server: nothing is recorded without its own token, from elsewhere, or of what is no form.

No server runs: the views are called as Flask calls them, and whatever would record something ends the test.
"""

from functools import partial
from types import SimpleNamespace

import pytest
from flask import Flask
from mlflow.server import handlers

from handrail.clock import system_time
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.mlflow.app.cursors import Cursors
from handrail.entrypoints.mlflow.app.logins import Logins, WsgiWithLogins
from handrail.entrypoints.mlflow.app.pages.answers import page_view
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.pages.routes import VIEWS

SEEN = "sha256:" + "a" * 64
REASON = {"reason": "looked at it"}
FORMS = {
    Address.DECIDE: (f"decision pr-1 {SEEN}", {"decision": "approve", "seen": SEEN} | REASON),
    Address.ANSWER: ("answer pr-1 1", {"answer": "none", "question": "1"}),
    Address.RENEW: ("renewal pr-1", {}),
    Address.ROLL_BACK: (f"rollback {SEEN}", {"version": "1", "seen": SEEN} | REASON),
    Address.BREAK_GLASS: (f"break-glass {SEEN}", {"version": "1", "seen": SEEN} | REASON),
    Address.CONFIRM_ROWS: (f"rows {SEEN} flights", {}),
    Address.OPEN_FINDING: ("open finding", {"model": "flights", "version": "1", "severity": "low", "text": "late"}),
    Address.CLOSE_FINDING: ("close fi-1", REASON),
    Address.PROPOSE_RULES: ("rules", REASON),
    Address.DECIDE_RULES: ("rule decision rc-1", {"decision": "approve"} | REASON),
}
"""What each form's token is about, and its fields."""
SEGMENTS = {"request_id": "pr-1", "model": "flights", "alias": "champion", "snapshot": SEEN} | {
    "finding_id": "fi-1",
    "change_id": "rc-1",
}
OWN = {"Origin": "http://localhost"}
FOREIGN = {
    "no origin at all": {},
    "another site's": {"Origin": "http://evil.example"},
    "a sandboxed frame's": {"Origin": "null"},
    "another port's": {"Origin": "http://localhost:1"},
    "what a browser calls cross-site": OWN | {"Sec-Fetch-Site": "cross-site"},
    "what a browser calls another host of the site": OWN | {"Sec-Fetch-Site": "same-site"},
    "sent to a name that is not this server's": {"Origin": "http://evil.example", "Host": "evil.example"},
}
UNREAD = {"Content-Type": "text/plain"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _Reached(Exception):
    """The form passed every check."""


def _record(*_about, **_named):
    raise _Reached


class _Everybody:
    def __init__(self, account):
        self._account = account

    def account(self, _call):
        return self._account

    def may(self, *_about):
        return True


@pytest.fixture
def desk(monkeypatch):
    store = SimpleNamespace(get_registered_model=lambda _name: None)
    monkeypatch.setattr(handlers, "_get_model_registry_store", lambda: store)
    subject = SimpleNamespace(model="flights", version=1)
    view = SimpleNamespace(history=SimpleNamespace(request=SimpleNamespace(subject=subject, bound={}), said=()))
    records = SimpleNamespace(model_of=lambda _id: "flights", moves=_record)
    gate = SimpleNamespace(
        records=records,
        request=lambda _id: view,
        decide=_record,
        questions=SimpleNamespace(answer=_record),
        renewals=SimpleNamespace(renew=_record),
        findings=SimpleNamespace(open=_record, found=_record),
        snapshots=SimpleNamespace(confirm=_record),
    )
    monkeypatch.setattr("handrail.entrypoints.mlflow.app.pages.requests.require_sources", _record)
    opened = SimpleNamespace(gate=gate, rules=SimpleNamespace(propose=_record, decide=_record))
    return PageDesk(opened, None, Forms(b"secret"), "local-1", Cursors(b"secret"))


def _send(desk, address, token, headers=OWN, kind=FORM, account="ben"):
    """Send a form as an account; return status and body."""
    about, fields = FORMS[address]
    view, here = VIEWS[address]
    refusals = SimpleNamespace(answered=lambda *_about: None)
    answer = page_view(desk, refusals, here, partial(view, desk))
    segments = {name: SEGMENTS[name] for name in address.names}
    body = fields | {"token": desk.forms.token(account, about, system_time()) if token is None else token}
    sent = {"Accept": "application/json", "Host": "localhost"} | headers | kind
    everybody = _Everybody(account)

    def answered(_environ, _start):
        with Flask("test").test_request_context("/", method="POST", data=body, headers=sent):
            found = answer(**segments)
            return found.status_code, found.get_data(as_text=True)

    return WsgiWithLogins(answered, Logins(everybody, everybody))({}, None)


def test_the_table_has_every_form():
    assert set(FORMS) == {address for address in VIEWS if address.method == "POST"}


@pytest.mark.parametrize("address", FORMS, ids=lambda each: each.name)
def test_a_form_of_the_page_itself_passes(desk, address):
    with pytest.raises(_Reached):
        _send(desk, address, None)
    with pytest.raises(_Reached):
        _send(desk, address, None, {"Sec-Fetch-Site": "same-origin"})


@pytest.mark.parametrize("address", FORMS, ids=lambda each: each.name)
def test_a_form_without_the_token_of_this_page_and_person_does_nothing(desk, address):
    now = system_time()
    about = FORMS[address][0]
    tokens = {
        "none": "",
        "another person's": desk.forms.token("cleo", about, now),
        "about something else": desk.forms.token("ben", f"{about}2", now),
        "of another server": Forms(b"other").token("ben", about, now),
        "with nothing behind the moment": desk.forms.token("ben", about, now).partition(".")[0],
    }

    for whose, token in tokens.items():
        status, body = _send(desk, address, token)
        assert (status, "not one of this page's own" in body) == (403, True), whose


@pytest.mark.parametrize("whose", FOREIGN)
@pytest.mark.parametrize("address", FORMS, ids=lambda each: each.name)
def test_a_form_from_elsewhere_does_nothing(desk, address, whose):
    status, body = _send(desk, address, None, FOREIGN[whose])

    assert status == 403, body


@pytest.mark.parametrize("address", FORMS, ids=lambda each: each.name)
def test_what_is_not_a_form_does_nothing(desk, address):
    assert _send(desk, address, None, kind=UNREAD)[0] == 403
