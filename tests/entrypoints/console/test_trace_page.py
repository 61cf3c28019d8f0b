"""The page of a trace: what it is called, and by what."""

from handrail.entrypoints.answers.mlflow_pages import Pages
from handrail.entrypoints.console.trace_page import trace_page
from tests.fakes.lineage import PERMIT, RUN, VERSION, open_story
from tests.fakes.lineage_server import a_platform


def test_a_version_whose_permit_was_given_later_keeps_its_own_name(tmp_path):
    with a_platform(tmp_path) as platform:
        page = trace_page(platform, open_story(), VERSION.uri, lambda _uri: None)

    assert page.facts["path"][0]["station"] == "permit"
    assert page.title == "What led to flights 1"


def test_what_mlflow_shows_leads_there_and_a_permit_to_its_request(tmp_path):
    with a_platform(tmp_path) as platform:
        page = trace_page(platform, open_story(), VERSION.uri, lambda _uri: None, Pages("http://mlflow", "registry"))
        other = trace_page(platform, open_story(), VERSION.uri, lambda _uri: None, Pages("http://mlflow", "elsewhere"))

    links = {link["station"]: link["in_mlflow"] for link in page.facts["path"]}
    assert links["permit"] == f"http://mlflow/handrail/requests/{PERMIT.uri.rpartition('/')[2]}"
    assert "http://mlflow/#/models/flights/versions/1" in links.values()
    assert f"http://mlflow/#/runs/{RUN.run_id}" in links.values()
    assert not any(link["in_mlflow"] for link in other.facts["path"])


def test_a_link_that_the_title_has_already_is_not_there_twice(tmp_path):
    pages = Pages("http://mlflow", "registry")
    with a_platform(tmp_path) as platform:
        page = trace_page(platform, open_story(), VERSION.uri, pages.page_of, pages)

    assert not any(link["in_mlflow"] for link in page.facts["path"])
