"""Rollback and break-glass by forms on a real server: who may, what a form needs, and what waits afterwards."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest

from tests.fakes.console_state import ALIAS, hotfix
from tests.fakes.page_forms import facts_at, fields_of, page_at, send_form

pytestmark = pytest.mark.any_version


@pytest.fixture
def made(server):
    """A model whose alias went from version 1 to 2; each test moves it, so each has its own."""
    with hotfix(server) as made:
        yield made


def _path(made, form=""):
    return f"/handrail/timeline/{made.name}/{ALIAS}" + (f"/{form}" if form else "")


def _points_at(server, made):
    found = server.admin.get("/api/2.0/mlflow/registered-models/get", params={"name": made.name}).json()
    return {row["alias"]: row["version"] for row in found["registered_model"]["aliases"]}[ALIAS]


def _sent(http, made, form, version, reason="it is down"):
    fields = fields_of(page_at(http, _path(made)).text, form)
    return send_form(http, _path(made, form), fields | {"version": str(version), "reason": reason})


def test_whoever_may_not_reads_why_and_who_could(server, made):
    with server.person("cleo") as http:
        html, ways = page_at(http, _path(made)).text, facts_at(http, _path(made))["ways"]

    assert "/break-glass" not in html
    assert "/rollback" not in html
    assert ways["glass"]["could"] == ["Dora"]
    assert "Dora could break the glass." in html
    assert "may not change" in ways["back"]["refusal"]


def test_a_form_of_another_page_person_or_moment_does_nothing(server, made):
    with server.person("dora") as dora, server.person("ben") as ben, server.person("ada") as ada:
        glass = fields_of(page_at(dora, _path(made)).text, "break-glass") | {"version": "1", "reason": "down"}
        back = fields_of(page_at(ada, _path(made)).text, "rollback") | {"version": "1", "reason": "down"}
        path = _path(made, "break-glass")
        refused = [
            send_form(ben, path, glass),
            send_form(dora, path, glass | {"token": back["token"]}),
            send_form(dora, path, glass | {"seen": "sha256:" + "0" * 64}),
            send_form(dora, path, glass, Origin="http://evil.example"),
            send_form(dora, path, glass, **{"Sec-Fetch-Site": "cross-site"}),
            dora.post(path, data=glass),
            send_form(ada, _path(made, "rollback"), back | {"token": glass["token"]}),
            send_form(ben, _path(made, "rollback"), back),
            ada.post(_path(made, "rollback"), data=back),
        ]
        unread = [
            send_form(dora, path, glass | {"reason": ""}),
            send_form(dora, path, glass | {"version": "one"}),
        ]

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert [answer.status_code for answer in unread] == [422, 422]
    assert "Nothing was done." in unread[0].text
    assert _points_at(server, made) == "2"


def _go_back(server, made):
    """Let Ada ask for version 1 and Ben approve it, which moves the alias."""
    with server.person("ada") as ada:
        assert _sent(ada, made, "rollback", 1).status_code == 303
        requests = ada.get("/handrail/api/v1/promotion-requests?state=open&alias=" + ALIAS).json()["requests"]
    # Those of other tests may be open too, and are about models of their own.
    asked = next(each for each in requests if each["model"] == made.name)
    made.say(asked["request_id"], "ben")
    assert _points_at(server, made) == "1"


def test_going_back_is_asked_for_by_one_person_and_approved_by_another(server, made):
    with server.person("ada") as ada:
        html = page_at(ada, _path(made)).text
        answer = _sent(ada, made, "rollback", 1, "version 2 fails on <new> customers")
        request = page_at(ada, answer.headers["Location"]).text

    assert f"{made.name} 1, {ALIAS} since" in html
    assert answer.status_code == 303
    assert "It is asked for." in request
    assert "fails on &lt;new&gt; customers" in request
    assert _points_at(server, made) == "2"


def test_what_changed_since_the_page_was_opened_does_nothing_and_keeps_the_text(server, made):
    with server.person("dora") as dora:
        fields = fields_of(page_at(dora, _path(made)).text, "break-glass")
        _go_back(server, made)
        answer = send_form(dora, _path(made, "break-glass"), fields | {"version": "2", "reason": "it is <down>"})

    assert answer.status_code == 409
    assert "changed after you opened the page" in answer.text
    assert "it is &lt;down&gt;</textarea>" in answer.text


def test_broken_glass_stands_on_the_page_until_two_others_confirm_it_by_form(server, made):
    _go_back(server, made)
    with server.person("dora") as dora:
        form = page_at(dora, _path(made)).text
        answer = _sent(dora, made, "break-glass", 2)
        done = unescape(page_at(dora, answer.headers["Location"]).text)
        waits = facts_at(dora, _path(made))["emergency"]

    assert answer.status_code == 303
    assert "The log keeps it as an alarm, with your name" in form
    assert "2 other persons must confirm it until then: Ben or Cleo" in form
    assert "It is done" in done
    assert _points_at(server, made) == "2"
    assert (waits["by"], waits["missing"], waits["could"], waits["is_mine"]) == (
        "Dora (dora)",
        2,
        ["Ben", "Cleo"],
        False,
    )
    started = datetime.fromisoformat(waits["ends"]) - timedelta(hours=2)
    assert abs(datetime.now(started.tzinfo) - started) < timedelta(minutes=10)
    assert "two others must confirm it until" in done
    assert "moves hotfix back to" in done
    assert "/break-glass" not in done

    confirmation = f"/handrail/requests/{waits['confirmation']}"
    for account, missing in (("ben", 1), ("cleo", 0)):
        with server.person(account) as http:
            html = page_at(http, _path(made)).text
            assert f'href="{confirmation}">Confirm it, or reject it</a>' in html
            fields = fields_of(page_at(http, confirmation).text, "decision")
            sent = send_form(
                http, f"{confirmation}/decision", fields | {"decision": "approve", "reason": "it was right"}
            )
            assert sent.status_code == 303
            left = facts_at(http, _path(made))["emergency"]
        assert (left["missing"] if left else 0) == missing
    with server.person("dora") as dora:
        after = page_at(dora, _path(made)).text
    assert "two others must confirm it" not in after
    assert re.search(r"confirmed</span>", after)
