"""What a page says when the gate's store cannot be read, and when MLflow's own cannot."""

from types import SimpleNamespace

import pytest
from flask import Flask
from mlflow.exceptions import MlflowException
from mlflow.server import handlers

from handrail.approvals import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.mlflow.app.cursors import Cursors
from handrail.entrypoints.mlflow.app.logins import Logins, WsgiWithLogins
from handrail.entrypoints.mlflow.app.pages import desk as desk_module
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.pages.rules import change, confirmed
from handrail.entrypoints.mlflow.app.rights import require_model
from handrail.errors import Unavailable, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World

BETTER = EVIDENCE | {"comparison": {"ci_low": 0.01}}


def _ids(views):
    return [view.history.request.request_id for view in views]


class _Everybody:
    def account(self, _call):
        return "cleo"

    def may(self, *_about):
        return True


def _as_cleo(answer):
    everybody = _Everybody()
    return WsgiWithLogins(lambda _environ, _start: answer(), Logins(everybody, everybody))({}, None)


def _fail(*_about, **_named):
    raise Unavailable("The store", "database is locked", "Try again.")


def test_a_page_that_needs_no_gate_is_shown_and_says_that_nothing_can_be_decided():
    gate = SimpleNamespace(glass=SimpleNamespace(in_force=_fail), page=_fail)
    opened = SimpleNamespace(gate=gate, watch=SimpleNamespace(reported=()), reviewing=SimpleNamespace(person=_fail))
    desk = PageDesk(opened, None, Forms(b"secret"), "local-1", Cursors(b"secret"))

    frame = _as_cleo(lambda: desk.frame(Address.TRACE))

    assert (frame.me, frame.waiting) == ("cleo", 0)
    assert [alert.title for alert in frame.alerts] == [
        "Nothing can be decided now: what was asked and decided cannot be read."
    ]
    assert "database is locked" in frame.alerts[0].text


def test_what_is_closed_is_found_behind_many_that_are_open(monkeypatch):
    monkeypatch.setattr(desk_module, "MOST_OPEN", 2)
    world = World()
    world.promote()
    for version in (2, 3, 4, 5):
        world.register(version)
    rejected, *waiting = [world.ask(version=str(version), evidence=BETTER) for version in (2, 3, 4, 5)]
    world.say(rejected, "ben", Choice.REJECT)
    nobody = SimpleNamespace(at_once=lambda: SimpleNamespace(of=lambda _view, _who: None))
    desk = PageDesk(SimpleNamespace(gate=world.gate, reviewing=nobody), None, Forms(b"secret"), "l", Cursors(b"secret"))

    found, ended = _as_cleo(lambda: (desk.unended(), desk.ended(20)))

    assert _ids(each.view for each in found.waiting) == waiting[:0:-1]
    assert (_ids(found.closed), found.more) == ([], True)
    assert [view.judgement.verdict for view in ended] == [Verdict.PROMOTED]

    monkeypatch.setattr(desk_module, "MOST_OPEN", 4)
    found = _as_cleo(desk.unended)

    assert _ids(each.view for each in found.waiting) == waiting[::-1]
    assert (_ids(found.closed), found.more) == ([rejected], False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("RESOURCE_DOES_NOT_EXIST", UnknownReference), ("TEMPORARILY_UNAVAILABLE", Unavailable), ("NUL", Unavailable)],
)
def test_a_store_of_mlflow_that_fails_is_not_a_model_that_is_missing(monkeypatch, code, kind):
    def fail(_name):
        err = MlflowException("database is locked")
        err.error_code = code
        raise err

    store = SimpleNamespace(get_registered_model=fail)
    monkeypatch.setattr(handlers, "_get_model_registry_store", lambda: store)

    with pytest.raises(kind):
        _as_cleo(lambda: require_model("flights", "can_read", "Reading this"))


def test_what_was_recorded_of_a_change_is_said_to_whoever_did_it_alone():
    change = {"decisions": [{"account": "ben", "decision": "approve"}]}

    assert confirmed("approve", change, "ben") == "Your approval is recorded."
    assert confirmed("approve", change, "cleo") == ""
    assert confirmed("reject", change, "ben") == ""


@pytest.mark.parametrize(("account", "said"), [("cleo", "Your approval is recorded."), ("ben", "")])
def test_the_page_of_a_change_takes_nothing_from_its_address_alone(account, said):
    row = {
        "state": "pending",
        "proposer": "ben",
        "quorum": {},
        "diffs": {},
        "decisions": [{"account": account, "decision": "approve"}],
    }
    views = SimpleNamespace(change=lambda _id: SimpleNamespace(to_json=lambda: row))
    rules = SimpleNamespace(views=views, why_not=lambda *_about: "You proposed it.")
    opened = SimpleNamespace(rules=rules, reviewing=SimpleNamespace(names=lambda: str))
    desk = PageDesk(opened, None, Forms(b"secret"), "local-1", Cursors(b"secret"))

    with Flask("test").test_request_context("/?said=approve"):
        page = _as_cleo(lambda: change(desk, "rc-1"))

    assert page.extra["said"] == said
