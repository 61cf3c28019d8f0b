"""The page of a trace: what it is called, and by what."""

from handrail.entrypoints.console.trace_page import trace_page
from tests.fakes.lineage import VERSION, open_story
from tests.fakes.lineage_server import a_platform


def test_a_version_whose_permit_was_given_later_keeps_its_own_name(tmp_path):
    with a_platform(tmp_path) as platform:
        page = trace_page(platform, open_story(), VERSION.uri, lambda _uri: None)

    assert page.facts["path"][0]["station"] == "permit"
    assert page.title == "What led to flights 1"
