"""The first page of a server of lineage: a box for names, and what has the name."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.bootstrap import Platform
from handrail.entrypoints.console.start_page import MOST_NEIGHBOURS
from handrail.entrypoints.console.start_page import start_page as page_of
from handrail.errors import UnknownReference
from handrail.feedback import Prediction
from handrail.refs import ArtifactVersion
from tests.fakes.lineage import DEPLOYMENT
from tests.fakes.lineage_server import a_platform
from tests.fakes.lineage_store import story_in

AT = datetime(2013, 8, 1, 8, tzinfo=UTC)


@pytest.fixture
def platform(tmp_path) -> Platform:
    with a_platform(tmp_path) as platform:
        yield platform


@pytest.fixture
def lineage(platform):
    return platform.lineage


@pytest.fixture
def start_page(platform):
    return lambda lineage, asked: page_of(platform, lineage, asked, lambda name: f"/trace?q={name}")


def made_about(subject: str, number: int) -> Prediction:
    return Prediction(f"p{number}", DEPLOYMENT.uri, subject, AT + timedelta(hours=number), 0.25, 0, "sha256:aa")


def test_without_a_name_there_is_the_box_alone(lineage, start_page):
    page = start_page(lineage, "")

    assert dict(page.facts) == {"asked": "", "found": None}


def test_what_has_the_name_is_shown_with_its_neighbours_and_a_bound(lineage, start_page):
    for number in range(MOST_NEIGHBOURS + 1):
        lineage.derive(ArtifactVersion(f"s3://lake/clean/{number}", "s3"), ArtifactVersion("s3://lake/orders", "s3"))

    found = start_page(lineage, "s3://lake/orders").facts["found"]

    assert (found["uri"], found["kind"], len(found["effects"])) == ("s3://lake/orders", "s3", MOST_NEIGHBOURS)
    assert found["more"]
    assert found["causes"] == []


def test_a_name_that_nothing_has_is_an_error(lineage, start_page):
    with pytest.raises(UnknownReference):
        start_page(lineage, "nothing")


def test_a_prediction_is_found_by_its_id_and_leads_to_its_deployment(platform, lineage, start_page):
    story_in(platform, platform.settings.project)
    platform.feedback.record_predictions([made_about("order-7", 1)])

    found = start_page(lineage, "p1").facts["found"]

    assert (found["kind"], found["uri"], found["digest"]) == ("prediction", "p1", "sha256:aa")
    assert found["attributes"] == {"subject": "order-7", "made at": "2013-08-01T09:00:00+00:00", "score": "0.25"}
    assert found["causes"] == [{"uri": DEPLOYMENT.uri, "proven": False}]


def test_of_a_subject_the_latest_predictions_are_listed_each_with_the_way_to_its_trace(platform, lineage, start_page):
    story_in(platform, platform.settings.project)
    platform.feedback.record_predictions([made_about("order-7", number) for number in (1, 3, 2)])
    platform.feedback.record_predictions([made_about("order-70", 4)])

    facts = start_page(lineage, "order-7").facts

    assert [row["prediction_id"] for row in facts["rows"]] == ["p3", "p2", "p1"]
    assert facts["rows"][0]["address"] == "/trace?q=p3"
    assert facts["rows"][0]["deployment"] == "flights d1"
    assert not facts["more"]


def test_of_very_many_predictions_the_latest_fifty_are_listed(platform, lineage, start_page):
    platform.feedback.record_predictions([made_about("order-7", number) for number in range(51)])

    facts = start_page(lineage, "order-7").facts

    assert len(facts["rows"]) == 50
    assert facts["rows"][0]["prediction_id"] == "p50"
    assert facts["more"]
