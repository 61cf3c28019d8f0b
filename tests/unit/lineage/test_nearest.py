"""What nothing has is answered with the known names that are written much alike."""

from datetime import UTC, datetime

import pytest

from handrail.errors import UnknownReference
from handrail.lineage.service.nearest import SAMPLED
from tests.fakes.lineage import PERMIT, VERSION, open_story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def lineage():
    opened = open_story()
    opened.point("mlflow alias flights@champion", VERSION, NOON, by=PERMIT.uri)
    return opened


@pytest.mark.parametrize(
    ("ref", "close"),
    [
        ("flights@champoin", "flights@champion"),
        ("models:/fligths/1", "flights/1"),
        ("flights/7", "flights/1"),
        ("data/rwa", "data/raw"),
        ("flights:b2", "flights:b1"),
        ("feature_view/wether", "feature_view/weather"),
    ],
)
def test_what_nothing_has_is_answered_with_the_nearest_names(lineage, ref, close):
    with pytest.raises(UnknownReference) as raised:
        lineage.trace(ref)

    assert raised.value.remedy.startswith("Close to it: ")
    assert close in raised.value.remedy
    assert close in lineage.nearest(ref)


def test_what_is_like_nothing_is_answered_with_what_can_be_given(lineage):
    with pytest.raises(UnknownReference, match="Give a prediction id"):
        lineage.trace("zzzzzzzzzz")

    assert lineage.nearest("x" * 5_000) == ()


def test_many_other_names_do_not_hide_a_version(lineage):
    for number in range(SAMPLED + 1):
        lineage.record_activity(f"mlflow://registry/a/{number}", "note")

    assert "flights/1" in lineage.nearest("fligths/1")
