"""What is expected of answers that are too young to judge, on the page of feedback."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.entrypoints.console.feedback_page import feedback_page
from tests.entrypoints.console.test_feedback_page import AS_OF, html, platform, record  # noqa: F401 - a fixture
from tests.fakes.feedback import GO_LIVE, a_prediction

ASKED = ("flights", "ground_truth")
LATE = (GO_LIVE + timedelta(days=30)).isoformat()


def test_the_page_says_what_to_expect_and_how_well_that_did(platform):  # noqa: F811
    record(platform, 400)
    young = [a_prediction(n, prediction_id=f"young-{n}", score=0.2 + 0.6 * (n % 2)) for n in range(50)]
    at = GO_LIVE + timedelta(days=19, hours=22)
    platform.feedback.record_predictions([replace(each, made_at=at) for each in young])

    expected = feedback_page(platform, *ASKED, AS_OF).facts["expected"]

    assert expected["predictions"] == 50
    assert expected["low"] <= expected["value"] <= expected["high"]
    page = html(platform, *ASKED, AS_OF)
    assert "Expected of what waits" in page
    assert "How well it did: of the newest" in page


@pytest.mark.parametrize(("count", "as_of"), [(400, LATE), (20, AS_OF), (0, AS_OF)], ids=["old", "few", "none"])
def test_where_nothing_can_be_said_nothing_is(platform, count, as_of):  # noqa: F811
    record(platform, count) if count else None

    facts = feedback_page(platform, "" if not count else "flights", "ground_truth", as_of).facts

    assert facts["expected"] is None
    assert "Expected of what waits" not in html(platform, "" if not count else "flights", "ground_truth", as_of)
