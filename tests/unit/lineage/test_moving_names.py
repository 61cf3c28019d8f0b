"""A moving name may be given by itself, by its end, or by what it points at."""

from datetime import UTC, datetime

import pytest

from handrail.errors import UnknownReference
from handrail.lineage.domain.errors import AmbiguousReference
from tests.fakes.lineage import BENTO, DEPLOYMENT, PERMIT, VERSION, open_story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALIAS, SLOT = "mlflow alias flights@champion", "deploy://local/flights"


@pytest.fixture
def lineage():
    opened = open_story()
    opened.point(ALIAS, VERSION, NOON, by=PERMIT.uri)
    opened.point(SLOT, DEPLOYMENT, NOON, by="handrail deploy")
    return opened


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (ALIAS, ALIAS),
        ("flights@champion", ALIAS),
        ("models:/flights@champion", ALIAS),
        ("champion", ALIAS),
        ("flights/1", ALIAS),
        ("models:/flights/1", ALIAS),
        (VERSION.uri, ALIAS),
        (SLOT, SLOT),
        ("p1", SLOT),
        (DEPLOYMENT.uri, SLOT),
    ],
)
def test_every_way_to_name_a_thing_leads_to_its_moving_name(lineage, given, name):
    assert lineage.moving_name(given) == name
    assert {period.name for period in lineage.timeline(given)} == {name}


def test_several_names_of_one_thing_are_listed(lineage):
    lineage.point("mlflow alias flights@shadow", VERSION, NOON, by=PERMIT.uri)

    with pytest.raises(AmbiguousReference) as raised:
        lineage.moving_name("flights/1")

    assert raised.value.candidates == (ALIAS, "mlflow alias flights@shadow")


def test_a_thing_that_nothing_points_at_says_so(lineage):
    with pytest.raises(UnknownReference, match="No name ever pointed at bento://"):
        lineage.moving_name(BENTO.uri)


def test_an_unknown_name_is_answered_with_the_nearest(lineage):
    with pytest.raises(UnknownReference, match="Close to it: flights@champion"):
        lineage.timeline("flights@champoin")
    with pytest.raises(UnknownReference, match="Name an alias or a slot"):
        lineage.timeline("zzzzzzzzz")
