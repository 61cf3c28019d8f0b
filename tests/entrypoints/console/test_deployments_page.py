"""Deployments: where slots point, under which permit, what was there before, and what a person may see of it."""

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.bootstrap.delivery import read_splits
from handrail.delivery import Challenger, Change, End, Role, Slot, Split
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.deployments_page import MOST_ROLLOUTS, deployments_page, model_of, slots_behind
from handrail.entrypoints.console.pages import Frame, render
from handrail.errors import UnknownReference
from handrail.feedback import Prediction
from handrail.refs import ArtifactVersion, BentoTag, Deployment, ModelAlias, ModelVersion
from tests.fakes.lineage_server import a_platform

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
TREE = "sha256:" + "a" * 64
HOSTILE = "<script>alert(1)\u202e"


@pytest.fixture
def platform(tmp_path):
    with a_platform(tmp_path) as opened:
        yield opened


def a_rollout(platform, version, hours=0, name="flights", permit=True):
    """Deploy a version into the slot of `name`, as `handrail.bootstrap.delivery` records it."""
    deployment, bento = Deployment("local", name, f"v{version}"), BentoTag(name, f"v{version}")
    if permit:
        allowed = ArtifactVersion(f"approval://local-1/pr-{version}", "permit", TREE)
        platform.lineage.record_bento(bento, allowed, tree_digest=TREE, digest=TREE)
    platform.lineage.record_deployment(deployment, bento, bento_digest=TREE, tree_digest=TREE)
    model = ModelVersion("local-1", name, 7, version).uri
    platform.feedback.register_deployment(deployment.uri, TREE, model, bento.uri, START)
    platform.lineage.point(f"deploy://local/{name}", deployment, START + timedelta(hours=hours), by="ada")
    return deployment.uri


def facts(platform, service="", **more):
    return deployments_page(platform, platform.lineage, service, **more).facts


def html(platform, **more):
    frame = Frame(START, "Cleo", ("reads only",), "local-1", places=((Address.DEPLOYMENTS, "Deployments"),))
    return render(deployments_page(platform, platform.lineage, "", **more), frame)


def test_without_a_slot_the_page_says_how_one_comes_to_be(platform):
    assert facts(platform)["slots"] == []
    assert "once the flow <code>deploy</code>" in html(platform)


def test_a_slot_shows_what_it_points_at_since_when_and_under_which_permit(platform):
    uri = a_rollout(platform, 1)
    platform.feedback.record_predictions([Prediction("p", uri, "s", START, 0.5, 1)])

    (slot,) = facts(platform, "flights")["slots"]

    now = slot["now"]
    assert (slot["name"], slot["environment"], slot["count"]) == ("deploy://local/flights", "local", "1 rollout")
    assert (now["model"], now["version"], now["traffic"], now["predictions"]) == ("flights", "1", 1.0, 1)
    assert (now["since"], now["until"], now["tree_digest"]) == (START.isoformat(), None, TREE)
    assert (now["permit"]["request_id"], now["permit"]["server"]) == ("pr-1", "local-1")
    assert now["verdict"] == {"kind": "flat", "text": "under a permit that is not read here"}
    assert slot["back"] is None


def test_a_deployment_without_a_recorded_permit_says_so(platform):
    a_rollout(platform, 1, permit=False)

    assert facts(platform)["slots"][0]["now"]["verdict"]["text"] == "no permit is recorded"


def test_a_slot_that_does_not_follow_its_alias_says_what_answers_and_what_should(platform):
    a_rollout(platform, 1)
    champion = ModelAlias("flights", "champion").pointer
    platform.lineage.point(champion, ModelVersion("local-1", "flights", 7, 1), START, by="the gate")
    assert facts(platform)["slots"][0]["ahead"] is None

    later = START + timedelta(hours=3)
    platform.lineage.point(champion, ModelVersion("local-1", "flights", 7, 2), later, by="the gate")

    (slot,) = facts(platform)["slots"]
    assert slot["ahead"] == {"model": "flights", "alias": "champion", "version": "2", "since": later.isoformat()}
    assert slot["now"]["verdict"] == {"kind": "warn", "text": "not the champion of now"}
    assert "flights in local still answers with flights 1: champion is flights 2" in html(platform)
    assert slot["back"]["version"] == "1"
    assert "it is enough to move champion back to it" in html(platform)
    behind = slots_behind(platform, platform.lineage, ModelVersion("local-1", "flights", 7, 2).uri)
    assert [(row["service"], row["environment"], row["version"]) for row in behind] == [("flights", "local", "1")]


@pytest.mark.parametrize("version", [ModelVersion("local-1", "flights", 7, 1), ModelVersion("other", "flights", 7, 2)])
def test_a_slot_that_follows_or_is_of_another_server_is_not_behind(platform, version):
    a_rollout(platform, 1)
    platform.lineage.point(ModelAlias("flights", "champion").pointer, version, START, by="the gate")

    assert facts(platform)["slots"][0]["ahead"] is None
    assert slots_behind(platform, platform.lineage, version.uri) == []


def test_no_name_of_a_model_becomes_a_command_of_whoever_copies_the_way_back(platform):
    a_rollout(platform, 1, name="flights; rm -rf $HOME #")
    a_rollout(platform, 2, 1, name="flights; rm -rf $HOME #")

    commands = facts(platform)["slots"][0]["back"]["commands"]

    assert all(shlex.split(each)[4] == "flights; rm -rf $HOME #" for each in commands)


def test_the_way_back_is_to_the_version_before_that_has_a_permit(platform):
    a_rollout(platform, 1)
    a_rollout(platform, 2, 1, permit=False)
    a_rollout(platform, 3, 2)

    (slot,) = facts(platform)["slots"]

    assert [row["version"] for row in slot["rollouts"]] == ["3", "2", "1"]
    assert slot["back"]["version"] == "1"
    expected = "handrail approvals rollback --model flights --alias champion --version 1 --reason '...'"
    assert slot["back"]["commands"][0] == expected
    assert slot["back"]["slot_command"] == "handrail delivery rollback --service flights --reason '...'"
    assert "handrail approvals break-glass --model flights" in html(platform)
    assert "handrail delivery rollback --service flights" in html(platform)


def test_the_latest_rollouts_are_shown_and_the_others_counted(platform):
    for version in range(1, MOST_ROLLOUTS + 3):
        a_rollout(platform, version, version)

    (slot,) = facts(platform)["slots"]

    assert (len(slot["rollouts"]), slot["hidden"]) == (MOST_ROLLOUTS, 2)
    assert f"the latest {MOST_ROLLOUTS} are shown" in html(platform)


def test_what_a_person_may_not_read_is_not_there(platform):
    a_rollout(platform, 1)
    a_rollout(platform, 1, name="secret")

    mine = facts(platform, reads=lambda version: "/flights/" in version)

    assert [slot["service"] for slot in mine["slots"]] == ["flights"]
    assert "secret" not in html(platform, reads=lambda version: "/flights/" in version)
    assert "secret" not in html(platform, reads=lambda _version: False)
    with pytest.raises(UnknownReference):
        facts(platform, "secret", reads=lambda version: "/flights/" in version)


def test_a_deployment_that_says_no_model_is_asked_about_as_such(platform):
    asked = []
    platform.lineage.point("deploy://local/bare", Deployment("local", "bare", "1"), START, by="ada")

    facts(platform, reads=lambda version: asked.append(version) or False)

    assert asked == [""]


def test_requests_are_links_where_the_server_has_them(platform):
    a_rollout(platform, 1)

    assert 'href="/handrail/requests/pr-1"' in html(platform, named=str)
    assert "/handrail/requests/" not in html(platform)


def test_hostile_names_are_text(platform):
    a_rollout(platform, 1, name=HOSTILE)

    page = html(platform)

    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mlflow://s/registered/a%20b/7/3", ("s", "a b", "3")),
        ("models:/flights/3", ("", "flights", "3")),
        ("mlflow://s/run/1", None),
        (None, None),
    ],
)
def test_a_model_is_named_by_its_uri(uri, expected):
    assert model_of(uri) == expected


def test_how_many_slots_there_are_is_said_of_those_alone_that_the_person_may_read(platform, monkeypatch):
    monkeypatch.setattr("handrail.entrypoints.console.deployments_page.MOST_SLOTS", 2)
    for name in ("a", "b", "c", "mine", "mine-too", "mine-three"):
        a_rollout(platform, 1, name=name)

    some = facts(platform, reads=lambda version: "/mine" in version)
    every, none = facts(platform), facts(platform, reads=lambda _version: False)

    assert ([slot["service"] for slot in some["slots"]], some["more"]) == (["mine", "mine-three"], 1)
    assert (len(every["slots"]), every["more"]) == (2, 4)
    assert (none["slots"], none["more"]) == ([], 0)


def test_who_pointed_a_slot_is_named_by_their_person(platform):
    a_rollout(platform, 1)

    (slot,) = facts(platform, named=lambda account: f"Ada ({account})")["slots"]

    assert slot["rollouts"][0]["by"] == "Ada (ada)"


def a_split(platform, *challengers, number=1, ended="", end=None, reason="better in shadow"):
    change = Change(number, Split(Slot("local", "flights"), "flights", challengers), START, "ada", reason, ended, end)
    read_splits(platform).append(change)


def a_challenger(name="two", role=Role.CANARY, share=0.2, version=2):
    model = ModelVersion("local-1", "flights", 7, version).uri
    return Challenger(name, role, share, model, TREE, "canary", f"deploy://local/flights/c{version}")


def test_who_answers_beside_the_champion_stands_with_its_share_since_when_and_why(platform):
    a_rollout(platform, 1)
    platform.feedback.record_predictions([Prediction("p", "deploy://local/flights/c2", "s", START, 0.5, 1)])
    a_split(platform, a_challenger())

    (slot,) = facts(platform, "flights")["slots"]

    assert slot["now"]["traffic"] == 0.8
    (row,) = slot["beside"]["rows"]
    assert (row["name"], row["share"], row["model"], row["version"], row["predictions"]) == (
        "two",
        0.2,
        "flights",
        "2",
        1,
    )
    assert (row["since"], row["by"], row["reason"]) == (START.isoformat(), "ada", "better in shadow")
    page = html(platform)
    assert "canary: its share grows" in page
    assert "20.0 %" in page


def test_how_it_ended_stands_with_who_and_why_and_hostile_text_stays_text(platform):
    a_rollout(platform, 1)
    a_split(platform, a_challenger(), reason=HOSTILE)
    a_split(platform, number=2, ended="two", end=End.ERRORED, reason=HOSTILE)

    (slot,) = facts(platform, "flights")["slots"]

    assert slot["now"]["traffic"] == 1.0
    (row,) = slot["beside"]["ended"]
    assert (row["name"], row["end"], row["kind"], row["share"]) == ("two", "errored", "bad", 0.2)
    assert "<script>alert" not in html(platform)


def test_a_challenger_of_another_model_is_counted_and_not_shown(platform):
    a_rollout(platform, 1)
    hidden = ModelVersion("local-1", "secret", 9, 1).uri
    a_split(platform, replace(a_challenger(), model_version=hidden))

    (slot,) = facts(platform, "flights", reads=lambda version: "secret" not in version)["slots"]

    assert (slot["beside"]["rows"], slot["beside"]["hidden"]) == ([], 1)
    assert "secret" not in html(platform, reads=lambda version: "secret" not in version)


def test_what_answers_in_shadow_is_not_behind_any_alias(platform):
    a_rollout(platform, 1)
    a_rollout(platform, 2, name="flights-shadow", permit=False)
    platform.lineage.point(
        ModelAlias("flights", "champion").pointer, ModelVersion("local-1", "flights", 7, 1), START, by="g"
    )
    platform.feedback.register_deployment("deploy://local/flights-shadow/v2x", None, "models:/flights/2")

    served, shadow = facts(platform)["slots"]

    assert (served["now"]["traffic"], shadow["now"]["traffic"]) == (1.0, 0.0)
    assert (shadow["shadow"], shadow["ahead"], shadow["back"]) == (True, None, None)
    assert shadow["now"]["verdict"]["text"] == "in shadow: nobody gets its answers"
    page = html(platform)
    assert "flights-shadow in local: how to go back" not in page
    assert "still answers with" not in page
    alone = facts(platform, "flights-shadow")["slots"][0]
    assert alone["shadow"] is True
