"""What a request's page says of what is around it: what is served, what monitoring saw, how the version was made."""

from datetime import UTC, datetime

import pytest

from handrail.approvals import Reviewing
from handrail.approvals.domain.comparing import compare
from handrail.approvals.domain.sides import Side
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Shown
from handrail.monitored import MonitoringAlert
from tests.fakes.approvals_world import World

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FRAME = Frame(NOW, "Cleo", ("business-stakeholder",), "local-1")
SLOT = {"name": "deploy://local/flights", "service": "flights", "environment": "local", "version": "7"}


@pytest.fixture
def world():
    return World()


def _page(world, request_id, **more):
    view = world.gate.request(request_id)
    reviewers, evidence = Reviewing(world.rules).of(view, "cleo"), world.gate.records.evidence(request_id)
    return request_page(Shown(view, reviewers, evidence, NOW, tokens={"decision": "123.abc"}, **more))


def test_who_approves_last_reads_that_the_service_changes_later(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    (approve, *_) = _page(world, request_id, behind=[SLOT]).extra["form"]["choices"]

    assert approve["means"].endswith("What answers in flights changes with its next deployment.")
    assert "deployment" not in _page(world, request_id).extra["form"]["choices"][0]["means"]


def test_a_promoted_version_that_nobody_deployed_says_what_answers_still(world):
    request_id = world.promote(1)

    page = _page(world, request_id, behind=[SLOT])

    title = "flights 1 is champion, but flights in local still answers with flights 7."
    assert title in [alert["title"] for alert in page.facts["alerts"]]
    assert 'href="/handrail/deployments">Deployments' in render(page, FRAME)
    assert not _page(world, request_id, behind=[]).facts["alerts"]


def test_an_alert_about_the_period_that_it_was_judged_on_is_said_and_linked(world):
    said = ("score PSI is 0.452, beyond the limit 0.25.",)
    alert = MonitoringAlert("flights", "2013-09", "drift", "2013-10-02T16:00:00+00:00", "deploy://l/f/1", said, ())

    page = _page(world, world.ask(), alerts=[alert])

    assert ["Monitoring alerted on 2013-09 (drift)" in row["what"] for row in page.facts["short"]].count(True) == 1
    assert 'href="/handrail/findings#2013-09-drift">The alert' in render(page, FRAME)


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        (["commit", "training data"], "There is no commit and no training data to find it by"),
        (["commit"], "There is no commit to find it by"),
    ],
)
def test_a_version_whose_making_nobody_recorded_says_so_first(world, lacking, sentence):
    changed = compare("pr-1", None, Side(1), []).to_json() | {"unrecorded": lacking}

    short = _page(world, world.ask(), changed=changed).facts["short"]

    (row,) = [each for each in short if each["what"] == "How this version was made is not recorded."]
    assert row["kind"] == "warn"
    assert row["more"].startswith(sentence)
