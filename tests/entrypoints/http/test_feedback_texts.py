"""What people write comes over HTTP as a text in place of a value, and no table and no answer holds it."""

import json

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.feedback_subjects import open_reviews
from handrail.entrypoints.http.feedback_formats import JSON, NDJSON
from handrail.settings import load_settings
from tests.entrypoints.http.test_feedback_formats import post
from tests.fakes.erased_project import make_project

TEXT = "Nobody said why."
ROW = {"prediction_id": "p-1", "kind": "review", "text": TEXT, "source": "shop", "occurred_at": "2013-08-01T09:00:00Z"}


@pytest.fixture
def platform(tmp_path):
    with open_platform(load_settings(make_project(tmp_path / "project"))) as opened:
        yield opened


@pytest.mark.parametrize("media", [JSON, NDJSON])
def test_a_text_is_recorded_and_sealed(platform, media):
    body = json.dumps({"events": [ROW]}) if media == JSON else json.dumps(ROW)

    answer = post(platform, body.encode(), media)

    assert answer.json()["accepted"] == 1
    reviews = open_reviews(platform.settings, platform.store, platform.feedback)
    assert [each.text for each in reviews.about("p-1")] == [TEXT]
    files = [file for file in platform.settings.home.rglob("*") if file.is_file()]
    assert not [file for file in files if TEXT.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "ground_truth"}, "text"),
        ({"value": 1.0}, "value"),
        ({"text": "x" * 10_001}, "text"),
        ({"item": "a"}, "text"),
    ],
)
def test_a_text_in_the_wrong_place_is_refused(platform, change, field):
    answer = post(platform, json.dumps(ROW | change).encode(), JSON)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
