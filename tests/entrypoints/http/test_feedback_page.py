"""The example of feedback on the page of HTTP: its file, its service and its bodies, as a reader would type them."""

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from handrail.entrypoints.http.content_coding import MOST_RATIO
from handrail.entrypoints.http.feedback_formats import FORMATS, MOST_ROWS
from handrail.entrypoints.http.feedback_otlp import PROTOBUF

PAGE = Path(__file__).resolve().parents[3] / "plugins" / "handrail" / "entrypoints" / "http" / "README.md"


FORMATS_PAGE = PAGE.with_name("FEEDBACK.md")


def example(name, page=PAGE):
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return found[1]


@pytest.fixture
def service(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: cafe\n")
    (tmp_path / "config" / "feedback.yaml").write_text(example("kinds") + "  rating: {maturity_window_hours: 48}\n")
    for name in ("HANDRAIL_PROJECT", "HANDRAIL_HOME", "HANDRAIL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEEDBACK_TOKEN", "secret")
    names = {}
    exec(example("mount"), names)
    with TestClient(names["app"]) as client:
        yield client


def test_the_whole_service_records_what_the_page_sends(service, tmp_path):
    login = {"authorization": "Bearer secret"}
    prediction, outcome = json.loads(example("bodies"))

    answers = [
        service.post("/handrail/predictions", json=prediction, headers=login).status_code,
        service.post("/handrail/feedback", json=outcome, headers=login).status_code,
        service.post("/handrail/predictions", json={"predictions": [prediction]}, headers=login).status_code,
        service.post("/handrail/feedback", json=outcome).status_code,
        service.get("/handrail/docs").status_code,
    ]

    assert answers == [201, 201, 200, 401, 200]
    assert (tmp_path / ".handrail" / "handrail.db").is_file()


def test_the_page_of_formats_sends_what_it_shows(service):
    made = {}
    exec(example("arrow", FORMATS_PAGE), made)
    bodies = {
        "application/x-ndjson": example("ndjson", FORMATS_PAGE),
        "application/cloudevents+json": example("cloudevent", FORMATS_PAGE),
        made["headers"]["content-type"]: made["body"].getvalue(),
    }
    login = {"authorization": "Bearer secret"}

    answers = [
        service.post("/handrail/v1/feedback", content=body, headers=login | {"content-type": media}).json()
        for media, body in bodies.items()
    ]

    refused = [each["problem"] for answer in answers for each in answer.get("refused", ())]
    assert [answer["accepted"] for answer in answers] == [2, 1, 1], refused


def test_the_page_names_every_media_type_and_right():
    page = FORMATS_PAGE.read_text(encoding="utf-8")

    assert all(f"`{media}`" in page for media in (*FORMATS, PROTOBUF))
    assert f"up to {MOST_ROWS:,}" in page
    assert f"{MOST_RATIO} times" in page
