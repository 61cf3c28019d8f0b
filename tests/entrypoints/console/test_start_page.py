"""The first page of a server of lineage: a box for names, and what has the name."""

import pytest

from handrail.entrypoints.console.start_page import MOST_NEIGHBOURS, start_page
from handrail.errors import UnknownReference
from handrail.lineage import Lineage
from handrail.refs import ArtifactVersion
from tests.fakes.lineage_server import a_platform


@pytest.fixture
def lineage(tmp_path) -> Lineage:
    with a_platform(tmp_path) as platform:
        yield platform.lineage


def test_without_a_name_there_is_the_box_alone(lineage):
    page = start_page(lineage, "")

    assert dict(page.facts) == {"asked": "", "found": None}


def test_what_has_the_name_is_shown_with_its_neighbours_and_a_bound(lineage):
    for number in range(MOST_NEIGHBOURS + 1):
        lineage.derive(ArtifactVersion(f"s3://lake/clean/{number}", "s3"), ArtifactVersion("s3://lake/orders", "s3"))

    found = start_page(lineage, "s3://lake/orders").facts["found"]

    assert (found["uri"], found["kind"], len(found["effects"])) == ("s3://lake/orders", "s3", MOST_NEIGHBOURS)
    assert found["more"]
    assert found["causes"] == []


def test_a_name_that_nothing_has_is_an_error(lineage):
    with pytest.raises(UnknownReference):
        start_page(lineage, "nothing")
