"""The example of feedback on the page of HTTP: its file, its service and its bodies, as a reader would type them."""

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

PAGE = Path(__file__).resolve().parents[3] / "plugins" / "handrail" / "entrypoints" / "http" / "README.md"


def example(name):
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found[1]


@pytest.fixture
def service(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: cafe\n")
    (tmp_path / "config" / "feedback.yaml").write_text(example("kinds"))
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
