"""What a file has touched, read from a real store: versions, who allowed them, outcomes, whom to notify."""

from datetime import UTC, datetime, timedelta

from handrail.bootstrap import open_platform
from handrail.entrypoints.answers.reach_facts import reach_of
from handrail.feedback import Feedback
from tests.fakes.lineage import DEPLOYMENT, VERSION

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_impact_is_read_for_people(home):
    with open_platform() as platform:
        later = NOON + timedelta(hours=1)
        platform.feedback.record_feedback([Feedback("p1", "ground_truth", 0.0, "airline", 0, later, later)])
        home.point("deploy://local/flights", DEPLOYMENT, NOON, by="handrail deploy")

        reach = reach_of(platform, platform.lineage, platform.lineage.impact("data/raw/2013-01.csv"))
        few = reach_of(platform, platform.lineage, reach.impact, most_judged=1)

    (version,), (served,) = reach.versions, reach.deployments
    assert (version.uri, version.state, version.aliases) == (VERSION.uri, "serving", ("flights@champion",))
    assert version.allowed_by == ("ann", "bob")
    assert version.way[0] == "data/raw/2013-01.csv"
    assert (served.is_serving, served.predictions) == (True, 3)
    assert dict((row[:2], row[2]) for row in reach.outcomes[0].rows) == {("late", "punctual"): 1, ("late", None): 2}
    assert (few.outcomes, few.too_many) == ((), True)
    # Its ledger lies elsewhere; lineage knows who allowed it all the same.
    assert [(each.name, each.why) for each in reach.concerned] == [
        ("ann", ("allowed request-1",)),
        ("bob", ("allowed request-1",)),
    ]
