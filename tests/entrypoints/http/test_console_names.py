"""Names on the pages under `handrail serve`: what was meant perhaps, and what a subject leads to."""

import pytest
from fastapi.testclient import TestClient

from handrail.bootstrap.lineage_events import open_access
from handrail.clock import system_time
from handrail.entrypoints.http.lineage import lineage_app
from handrail.feedback import Prediction
from tests.entrypoints.http.test_console import HOST, log_in
from tests.fakes.lineage import DEPLOYMENT
from tests.fakes.lineage_server import a_platform
from tests.fakes.lineage_store import story_in


@pytest.fixture
def platform(tmp_path):
    with a_platform(tmp_path) as opened:
        story_in(opened, opened.settings.project)
        yield opened


@pytest.fixture
def client(platform):
    """Somebody who is logged in."""
    with TestClient(lineage_app(platform), HOST, follow_redirects=False, client=("10.0.0.9", 1)) as opened:
        log_in(opened, open_access(platform.store).create("ada"))
        yield opened


@pytest.mark.parametrize("page", ["/handrail/", "/handrail/trace", "/handrail/impact"])
def test_a_name_that_nothing_has_leads_to_those_that_are_written_much_alike(client, page):
    answered = client.get(page, params={"q": "flihgts/1"})

    assert answered.status_code == 404
    assert f'<a href="{page}?q=flights%2F1">flights/1</a>' in answered.text
    assert client.get(page, params={"q": "flights/1"}).status_code == 200


def test_a_subject_is_a_list_of_predictions_that_lead_to_their_traces(client, platform):
    subject, at = "<script>alert(1)</script>", system_time()
    platform.feedback.record_predictions(
        [Prediction(f"p{number}", DEPLOYMENT.uri, subject, at, 0.5, 0) for number in range(2)]
    )

    for page in ("/handrail/", "/handrail/trace"):
        answered = client.get(page, params={"q": subject})
        assert answered.status_code == 200
        assert "<script>alert" not in answered.text
        assert '<a href="/handrail/trace?q=p1">p1</a>' in answered.text
    assert client.get("/handrail/trace", params={"q": "p1"}).status_code == 200
