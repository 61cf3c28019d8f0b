"""In the demo one challenger goes from shadow over canary to the gate, and a weak one is rolled back by itself."""

import json
import sqlite3
from contextlib import closing


def test_a_weak_challenger_is_rolled_back_by_what_really_happened(loop):
    figures = loop.figures("compare")

    assert figures["schedule_in_shadow"] == "rolled back"
    assert figures["schedule_in_shadow_because"].startswith("The challenger is worse.")


def test_the_challenger_answered_real_requests_by_its_shares_before_people_decided(loop):
    figures = loop.figures("rollout")
    name, answered = figures["version"], figures["answered"]

    assert figures["shares"] == ["shadow 25%", "canary 5%", "50%", "100%"]
    assert set(answered) >= {"champion", name}
    assert 0.08 < answered[name] / sum(answered.values()) < 0.18, "a twentieth of six days and half of one"
    assert answered.get("fallback", 0) < 10
    assert (figures["verdict"], figures["ended"]) in [("promoted", "promoted"), ("refused", "rolled back")]
    assert "  rollout    shadow 25%, canary 5%, 50%, 100%: " in loop.said


def test_what_the_split_was_and_who_ended_whom_is_recorded(loop):
    changes = json.loads(loop.run("handrail", "delivery", "show", "--json").stdout)["changes"]
    name = loop.figures("rollout")["version"]

    shares = [change["shares"].get(name) for change in reversed(changes)]
    ends = {(change["ended"], change["end"]) for change in changes if change["ended"]}

    assert [one for one, other in zip(shares, [None, *shares], strict=False) if one and one != other][:1] == [0.25]
    assert {0.05, 0.5, 1.0} <= set(shares)
    assert changes[0]["shares"] == {}
    assert {end for _, end in ends} >= {"rolled back"}
    assert all(change["by"] == "rollout as ada" and change["reason"] for change in changes)


def test_the_rollout_was_led_by_the_flow_of_that_name(loop):
    query = "select f.name from flow_run r join flow f on f.id = r.flow_id"
    with closing(sqlite3.connect(loop.checkout / ".handrail" / "prefect" / "prefect.db")) as connection:
        names = connection.execute(query).fetchall()

    assert ("rollout",) in names
