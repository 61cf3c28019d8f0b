"""Questions over HTTP: answers as the commands give them, exports with their media types, problems for bad input."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from handrail.bootstrap import open_platform
from handrail.entrypoints.http.lineage import lineage_app
from handrail.feedback import Feedback, Prediction
from handrail.settings import Settings
from tests.fakes.lineage import BENTO, DEPLOYMENT, PERMIT, STAGES, VERSION, PipelineInMemory, story
from tests.fakes.lineage_server import a_token
from tests.fakes.lineage_stores import dump

CONFIG = Path(__file__).resolve().parents[3] / "config"
BASE = "/api/v1/lineage"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MONEY = "version: 1\nkinds: {revenue: {maturity_window_hours: 1, unit: USD}}\n"
RAW = "data/raw/2013-01.csv"


@pytest.fixture
def platform(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    (tmp_path / "config" / "feedback.yaml").write_text(MONEY)
    opened = open_platform(Settings(project=tmp_path, home=tmp_path / ".handrail", repository="shop"))
    lineage = opened.lineage
    lineage._ports = type(lineage._ports)(**_fields(lineage._ports) | {"pipelines": PipelineInMemory(STAGES)})
    for call in story(tmp_path):
        call(lineage)
    lineage.point("mlflow alias flights@champion", VERSION, NOON, by=PERMIT.uri)
    opened.feedback.record_predictions(
        [Prediction(f"p{n}", DEPLOYMENT.uri, f"flight-{n}", NOON, 0.5, 1) for n in range(3)]
    )
    opened.feedback.record_feedback(
        [Feedback(f"p{n}", "revenue", 0.1, "till", 0, NOON, NOON) for n in range(3)]
        + [Feedback("p0", "revenue", 0.2, "till", 1, NOON, NOON)]
    )
    yield opened
    opened.close()


def _fields(value):
    return {name: getattr(value, name) for name in value.__slots__}


@pytest.fixture
def ask(platform):
    with TestClient(lineage_app(platform), raise_server_exceptions=False) as opened:
        opened.headers["authorization"] = f"Bearer {a_token(platform)}"
        yield lambda question, **query: opened.get(f"{BASE}/{question}", params=query)


def test_an_impact_ends_in_predictions_and_exact_money(ask):
    impact = ask("impact", ref=RAW).json()

    assert impact["deployments"] == [DEPLOYMENT.uri]
    assert impact["predictions"] == {DEPLOYMENT.uri: 3}
    assert impact["money"] == {DEPLOYMENT.uri: {"USD": "0.4"}}
    assert impact["total_money"] == {"USD": "0.4"}
    assert (impact["truncated"], impact["remedy"]) == (False, None)
    assert impact["reached"] == sum(impact["kinds"].values()) - 1


def test_filters_and_bounds_are_those_of_the_commands(ask):
    trace = ask("trace", ref="p1", kind=["git-commit", "bento"]).json()
    near = ask("trace", ref="p1", depth=1).json()
    cut = ask("trace", ref="p1", max_nodes=3).json()

    assert {node["kind"] for node in trace["nodes"]} == {"git-commit", "bento"}
    assert trace["hidden"] > 5
    assert BENTO.uri in {node["uri"] for node in near["nodes"]}
    assert PERMIT.uri not in {node["uri"] for node in near["nodes"]}
    assert (len(cut["nodes"]), cut["truncated"]) == (3, True)
    assert "max_nodes" in cut["remedy"]
    assert ask("impact", ref=RAW, kind="bento").json()["named"] == {"bento": [BENTO.uri]}


def test_a_trace_has_its_direct_path_as_the_command_prints_it(ask):
    trace = ask("trace", ref="p1").json()

    stations = [link["station"] for link in trace["path"]]
    assert (stations[0], stations[1], stations[-1]) == ("prediction", "deployment", "git-commit")
    assert trace["summary"].startswith(
        "It came from flights 1, which ann and bob allowed; nothing on the way is missing"
    )
    assert trace["missing"] == []
    assert ask("trace", ref="p1", depth=1).json()["path"] is None


def test_one_thing_is_shown_with_its_neighbours_and_names(ask):
    shown = ask("show", ref="models:/flights@champion").json()

    assert (shown["uri"], shown["kind"]) == (VERSION.uri, "model-version")
    assert {edge["effect"] for edge in shown["causes"]} == {VERSION.uri}
    assert PERMIT.uri in {edge["effect"] for edge in shown["effects"]}
    assert [pointer["name"] for pointer in shown["pointers"]] == ["mlflow alias flights@champion"]


def test_pages_of_what_was_reached_follow_each_other(ask):
    first = ask("impact/nodes", ref=RAW, limit=2).json()
    second = ask("impact/nodes", ref=RAW, limit=2, after=first["next"]).json()

    assert len(first["nodes"]) == len(second["nodes"]) == 2
    assert first["nodes"][-1]["uri"] == first["next"] < second["nodes"][0]["uri"]
    last = ask("impact/nodes", ref=RAW, limit=1000).json()
    assert last["next"] is None


@pytest.mark.parametrize(
    ("form", "media_type", "begins"),
    [
        ("prov-json", "application/json", "{"),
        ("openlineage", "application/x-ndjson", "{"),
        ("mermaid", "text/vnd.mermaid", "flowchart TD"),
        ("dot", "text/vnd.graphviz", "digraph lineage"),
    ],
)
@pytest.mark.parametrize("towards", ["causes", "effects"])
def test_an_export_has_its_media_type(ask, form, media_type, begins, towards):
    answer = ask("export", ref=BENTO.uri, format=form, towards=towards)

    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.text.startswith(begins)
    assert "handrail-truncated" not in answer.headers
    assert ask("export", ref=BENTO.uri, format=form, max_nodes=1).headers["handrail-truncated"] == "true"
    if form == "openlineage":
        assert all(json.loads(line)["eventTime"] for line in answer.text.splitlines())


@pytest.mark.parametrize("question", ["trace", "impact", "impact/nodes", "show", "export"])
@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"ref": "5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11"}, 404, "5a2e6c1c"),
        ({"ref": "deadbeef"}, 404, "deadbeef"),
        ({"ref": "models:/nothing/1"}, 404, "models:/nothing/1"),
        ({"ref": "../../etc/passwd"}, 404, "../../etc/passwd"),
        ({"ref": "'; drop table lineage_node; --"}, 404, "drop table"),
        ({"ref": '"'}, 404, '"'),
        ({"ref": "data/raw/2013"}, 400, "2013-01.csv"),
        ({"ref": "dvc://"}, 400, "several"),
        ({"ref": "a\x00b"}, 400, "ref"),
        ({"ref": "dvc://shop/\x00"}, 400, "ref"),
        ({"ref": "x" * 3000}, 422, "ref"),
        ({"ref": ""}, 422, "ref"),
        ({}, 422, "ref"),
    ],
)
def test_a_reference_that_cannot_be_answered_is_a_problem(ask, platform, question, query, status, said):
    before = dump(platform.store)

    problem = is_problem(ask(question, format="dot", **query), status)

    assert said in problem["detail"]
    assert dump(platform.store) == before


@pytest.mark.parametrize(
    ("question", "query", "status"),
    [
        (question, query, status)
        for question in ("trace", "impact", "impact/nodes", "export")
        for query, status in (
            ({"depth": 0}, 422),
            ({"depth": -1}, 422),
            ({"depth": "deep"}, 422),
            ({"kind": "modle"}, 400),
            ({"kind": "a\x00b"}, 400),
            ({"kind": ""}, 400),
            ({"kind": ["bento"] * 51}, 422),
        )
    ]
    + [
        ("trace", {"max_nodes": 0}, 422),
        ("impact/nodes", {"limit": 0}, 422),
        ("impact/nodes", {"limit": 1001}, 422),
        ("impact/nodes", {"after": "\x00"}, 400),
        ("export", {"format": "svg"}, 422),
        ("export", {"towards": "sideways"}, 422),
    ],
)
def test_a_bound_or_filter_that_cannot_be_is_a_problem_that_names_it(ask, question, query, status):
    given = {"ref": BENTO.uri, "format": "dot"} | query

    problem = is_problem(ask(question, **given), status)

    assert problem["errors"][0]["field"] == next(iter(query))


def is_problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()
