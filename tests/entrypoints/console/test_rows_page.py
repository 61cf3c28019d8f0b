"""Labelled rows as pages: whose they are, what they hold, who confirmed them, and the form for who may."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Shown
from handrail.entrypoints.console.rows_page import Sent, row_of, rows_page, snapshot_page
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.approvals_world import World

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FRAME = Frame(NOW, "Ben", ("ml-engineer",), "local-1")


@pytest.fixture
def world():
    world = World()
    world.plans.plans["flights"] = replace(PLAN, custody=("ml-engineer",))
    world.trees.content["/artifacts/1/1/model"] |= {"scoring.json": b"{}", "onnx/model.onnx": b"network"}
    return world


@pytest.fixture
def digest(world):
    return world.snapshots.keep(io.BytesIO(b"PAR1rowsPAR1"), "flights", "ada", world.clock())


def _page(world, digest, account, **sent):
    view = world.gate.snapshots.shown("flights", digest)
    refusal = world.gate.snapshots.why_not("flights", digest, account)
    return snapshot_page(view, refusal, "" if refusal else "123.abc", Sent(**sent), world.rules.directory().named)


def test_who_may_confirm_has_a_form_that_says_what_they_answer_for(world, digest):
    page = _page(world, digest, "ben")
    html = render(page, FRAME)

    assert page.facts["state"]["text"] == "waits for a second person"
    assert page.facts["handed_in"][0]["by"] == "Ada (ada)"
    assert page.facts["holds"][0] == {"what": "Rows", "value": "1,000, of which 1,000 have a label"}
    assert page.facts["holds"][1] == {"what": "Shares of the label", "value": "0: 80.0 % and 1: 20.0 %"}
    assert 'action="/handrail/rows/flights/sha256%3A' in html
    assert "You answer for it" in html


@pytest.mark.parametrize(("account", "why"), [("ada", "handed them in"), ("cleo", "holds none of the roles")])
def test_who_may_not_confirm_reads_why_and_who_could(world, digest, account, why):
    html = render(_page(world, digest, account), FRAME)

    assert "<form" not in html
    assert why in html
    assert "Ben could" in html


def test_once_confirmed_it_says_by_whom_and_a_failure_says_why(world, digest):
    world.gate.snapshots.confirm("flights", digest, "ben")

    page = _page(world, digest, "ben", problem="It <b>failed</b>.", status=403)
    html = render(page, FRAME)

    assert page.facts["confirmed"][0]["by"] == "Ben (ben)"
    assert page.facts["state"] == {"kind": "good", "text": "confirmed"}
    assert "Ben has confirmed them." in html
    assert "It &lt;b&gt;failed&lt;/b&gt;." in html
    assert page.status == 403


def test_the_list_has_what_waits_first_and_says_who_could(world, digest):
    world.snapshots.keep(io.BytesIO(b"PAR1otherPAR1"), "orders", "ada", world.clock())
    views = [*world.gate.snapshots.listed("flights"), *world.gate.snapshots.listed("orders")]

    page = rows_page(views, "", "Ben", world.rules.directory().named)
    html = render(page, FRAME)

    assert page.title == "1 snapshot of labelled rows to confirm"
    assert [row["model"] for row in page.facts["waiting"]] == ["flights"]
    assert [row["state"]["text"] for row in page.facts["others"]] == ["no second person is needed"]
    assert "You could confirm them." in html
    assert "Ben could confirm them." in render(rows_page(views, "", "Cleo"), FRAME)
    assert "handrail approvals" in render(rows_page([], "", None), FRAME)


def test_a_request_says_what_it_waits_for_and_leads_there(world, digest):
    request_id = world.ask(snapshot=digest)
    view = world.gate.request(request_id)

    page = request_page(Shown(view, None, {}, NOW))
    html = render(page, FRAME)

    assert page.facts["state"]["text"] == "Open: its labelled rows wait for a second person"
    assert [alert["title"] for alert in page.facts["alerts"]] == [
        "It waits for another person to confirm the labelled rows."
    ]
    assert view.waits in page.facts["alerts"][0]["lines"]
    assert f'href="/handrail/rows/flights/{digest.replace(":", "%3A")}">Look at the rows' in html
    assert "The server is measuring" not in html


def test_the_evidence_names_who_handed_the_rows_in_and_who_confirmed_them(world, digest):
    request_id = world.ask(snapshot=digest)
    world.gate.snapshots.confirm("flights", digest, "ben")
    world.evaluations.evaluate(request_id)
    view = world.gate.request(request_id)

    page = request_page(Shown(view, None, {}, NOW, named=world.rules.directory().named))

    about = page.facts["evidence"][0]["about"]
    assert about.endswith("on labelled rows handed in by Ada (ada), confirmed by Ben")


def test_rows_without_anybodys_confirmation_say_that_none_was_needed(world, digest):
    world.plans.plans["flights"] = PLAN
    request_id = world.ask(snapshot=digest)
    world.evaluations.evaluate(request_id)

    page = request_page(Shown(world.gate.request(request_id), None, {}, NOW))

    assert "no second person had to confirm them" in page.facts["evidence"][0]["about"]
    assert row_of(world.gate.snapshots.listed("flights")[0])["state"]["kind"] == "flat"
