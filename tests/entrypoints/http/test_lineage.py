"""Lineage over HTTP: who may call, what is taken, what is refused and how it is reported, what is answered."""

import re
from datetime import UTC, datetime
from importlib.util import find_spec

import pytest
from fastapi.testclient import TestClient

from handrail.bootstrap.lineage_events import open_access
from handrail.entrypoints.http.docs_page import STATIC
from handrail.entrypoints.http.lineage import lineage_app
from handrail.lineage import May, TokenScope
from tests.fakes.lineage_events import a_dataset, a_dataset_event, a_job_event, a_run_id
from tests.fakes.lineage_server import a_platform, a_token, an_event_now, is_problem, now
from tests.fakes.lineage_stores import dump
from tests.fakes.openapi import request_examples

EVENTS, BATCH = "/api/v1/lineage", "/api/v1/lineage/batch"
QUESTIONS = ("trace", "impact", "timeline", "impact/nodes", "show", "export")
TRACE, IMPACT, TIMELINE, NODES, SHOW, EXPORT = (f"/api/v1/lineage/{question}" for question in QUESTIONS)


@pytest.fixture
def platform(tmp_path):
    opened = a_platform(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def client(platform):
    with TestClient(lineage_app(platform), raise_server_exceptions=False) as opened:
        opened.headers["authorization"] = f"Bearer {a_token(platform)}"
        yield opened


def test_an_event_is_stored_once_and_can_be_asked_for(client):
    sent = an_event_now(inputs=[a_dataset("orders", "7")], outputs=[a_dataset("clean", "8")])

    first, again = client.post(EVENTS, json=sent), client.post(EVENTS, json=sent)

    assert (first.status_code, first.json()) == (201, {"accepted": 1, "repeated": 0})
    assert (again.status_code, again.json()) == (200, {"accepted": 0, "repeated": 1})
    trace = client.get(TRACE, params={"ref": "s3://lake/clean@8"}).json()
    assert {node["uri"] for node in trace["nodes"]} >= {"s3://lake/orders@7", f"openlineage-run://{a_run_id(1)}"}
    assert trace["edges"][0]["asserted_by"] == ["actor://service/airflow"]
    impact = client.get(IMPACT, params={"ref": "s3://lake/orders"}).json()
    assert (impact["start"], impact["total_predictions"]) == ("s3://lake/orders@7", 0)
    assert (impact["reached"], impact["kinds"]) == (2, {"run": 1, "s3": 2})
    page = client.get(NODES, params={"ref": "s3://lake/orders"}).json()
    assert "s3://lake/clean@8" in {node["uri"] for node in page["nodes"]}


@pytest.mark.parametrize("path", [EVENTS, BATCH])
def test_a_batch_of_all_three_kinds_is_stored_as_one(client, path):
    batch = [an_event_now(), a_job_event(eventTime=now()), a_dataset_event(eventTime=now())]

    assert client.post(path, json=[*batch, batch[0]]).json() == {"accepted": 3, "repeated": 1}
    assert client.post(path, json=[]).json() == {"accepted": 0, "repeated": 0}


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic YTpi", "Bearer ", "Bearer \u00e4", "wrong"])
@pytest.mark.parametrize("path", [EVENTS, BATCH, TRACE, IMPACT, TIMELINE])
def test_a_caller_without_a_token_that_counts_is_not_let_in(client, platform, path, header):
    del client.headers["authorization"]
    headers = {"authorization": header.encode("latin-1")} if header else {}
    method = "POST" if path in (EVENTS, BATCH) else "GET"

    answer = client.request(method, path, headers=headers, params={"ref": "x"}, content=b"[" * 100)

    is_problem(answer, 401, "token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_counts_no_more(client, platform):
    open_access(platform.store).revoke("airflow")

    is_problem(client.post(EVENTS, json=an_event_now()), 401)


@pytest.mark.parametrize(("may", "sent", "asked"), [(May.SEND, 201, 403), (May.ASK, 403, 404), (May.USED, 403, 403)])
def test_a_token_allows_what_it_was_made_for(client, platform, may, sent, asked):
    token = open_access(platform.store).create("narrow", scope=TokenScope(frozenset({may})))
    client.headers["authorization"] = f"Bearer {token}"

    answers = (
        client.post(EVENTS, json=an_event_now(outputs=[a_dataset("clean")])),
        client.get(TRACE, params={"ref": "s3://x"}),
    )

    assert [each.status_code for each in answers] == [sent, asked]
    for each in answers:
        if each.status_code == 403:
            is_problem(each, 403, "The token of actor://service/narrow does not allow to", "Make another token")


def test_a_token_for_a_namespace_writes_nowhere_else(client, platform):
    token = open_access(platform.store).create("narrow", scope=TokenScope(namespaces=("airflow://prod", "s3://other")))
    client.headers["authorization"] = f"Bearer {token}"

    is_problem(
        client.post(BATCH, json=[an_event_now(1), an_event_now(2, outputs=[a_dataset("clean")])]), 403, "'s3://lake'"
    )
    assert client.get(TRACE, params={"ref": f"openlineage-run://{a_run_id(1)}"}).status_code == 404


def test_only_the_hash_of_a_token_is_kept(client, platform):
    token = client.headers["authorization"].removeprefix("Bearer ")

    platform.store.close()

    for file in (platform.settings.home).rglob("handrail.db*"):
        assert token.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"eventType": "DONE"}, "eventType"),
        ({"eventTime": now(days=-365 * 50)}, "eventTime"),
        ({"eventTime": now(days=365 * 50)}, "eventTime"),
        ({"inputs": [a_dataset("a\x00")]}, "inputs.0.name"),
        ({"run": {"runId": "no"}}, "run.runId"),
    ],
)
def test_a_fault_is_named_and_changes_nothing(client, platform, bad, field):
    before = dump(platform.store)

    for body, place in ((an_event_now() | bad, ""), ([an_event_now(2), an_event_now() | bad], "1.")):
        problem = is_problem(client.post(EVENTS, json=body), 422, place + field)
        assert problem["errors"][0]["field"] == place + field
    assert dump(platform.store) == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b'{"a": NaN}', b"\xff", b"[" * 200_000, b'{"a":' * 5000, b"7" * 5000]
)
def test_what_is_not_json_is_refused_as_such(client, body):
    is_problem(client.post(EVENTS, content=body), 400, "body")


def test_an_edge_that_closes_a_circle_is_left_out_and_named_also_when_the_event_is_repeated(client):
    client.post(EVENTS, json=an_event_now(1, [a_dataset("a")], [a_dataset("b")]))
    batch = [an_event_now(3), an_event_now(2, [a_dataset("c"), a_dataset("b")], [a_dataset("a")])]

    first, again = client.post(EVENTS, json=batch), client.post(EVENTS, json=batch)

    assert (first.status_code, first.json()["accepted"]) == (201, 2)
    assert first.json()["notes"] == again.json()["notes"]
    (note,) = first.json()["notes"]
    assert note["field"] == "1.inputs.1"
    assert "'used s3://lake/b' was left out" in note["note"]
    trace = client.get(TRACE, params={"ref": "s3://lake/b"}).json()
    assert {"s3://lake/a", "s3://lake/c"} <= {node["uri"] for node in trace["nodes"]}
    (run,) = (node for node in trace["nodes"] if node["uri"].endswith(a_run_id(2)))
    assert run["attributes"]["left_out"] == "used s3://lake/b"


@pytest.mark.parametrize("path", [TRACE, IMPACT])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"ref": "5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11"}, 404),
        ({"ref": "s3://lake/"}, 400),
        ({"ref": ""}, 422),
        ({}, 422),
        ({"ref": "x", "max_nodes": "0"}, 422),
        ({"ref": "x" * 3000}, 422),
        ({"ref": "a\x00b"}, 400),
    ],
)
def test_a_question_that_fits_nothing_or_several_is_one_sentence(client, path, query, status):
    client.post(EVENTS, json=an_event_now(1, [a_dataset("a")], [a_dataset("b")]))

    is_problem(client.get(path, params=query), status)


def test_a_timeline_is_answered_as_of_a_moment(client, platform):
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    platform.lineage.point("mlflow alias flights@champion", "mlflow://s/registered/m/1/1", noon, "actor://s/ann")

    (period,) = client.get(TIMELINE, params={"name": "champion", "at": "2026-11-24T00:00:00Z"}).json()

    assert (period["target"], period["until"]) == ("mlflow://s/registered/m/1/1", None)
    assert period["agents"] == ["actor://s/ann"]
    is_problem(client.get(TIMELINE, params={"name": "champion", "at": "2026-11-22T00:00:00Z"}), 404)
    is_problem(client.get(TIMELINE, params={"name": "challenger"}), 404)
    is_problem(client.get(TIMELINE, params={"name": "champion", "at": "noon"}), 422, "at")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", EVENTS, 405)])
def test_other_paths_and_methods_are_problems_too(client, method, path, status):
    is_problem(client.request(method, path), status, "POST /api/v1/lineage")


def test_the_door_describes_itself(client):
    described = client.get("/openapi.json").json()

    feedback = {"/v1/predictions", "/v1/feedback", "/v1/logs", "/v1/traces", "/metrics"}
    rollouts = {f"/api/v1/rollouts/{{service}}/{{challenger}}/{{hook}}{value}" for value in ("", "/value")}
    lineage = {EVENTS, BATCH, TRACE, IMPACT, TIMELINE, NODES, SHOW, EXPORT}
    assert set(described["paths"]) == lineage | feedback | rollouts
    assert client.get("/livez", headers={"authorization": ""}).json() == {"status": "ok"}


@pytest.mark.parametrize("path", [EVENTS, BATCH])
def test_each_example_of_the_page_is_recorded(client, path):
    described = client.get("/openapi.json").json()
    examples = request_examples(described, described["paths"][path]["post"])

    assert [client.post(path, json=example).status_code for example in examples] == [201, 201]


def test_the_page_and_its_program_come_from_here_and_need_no_token(client):
    page, program = (client.get(path, headers={"authorization": ""}) for path in ("/docs", f"{STATIC}/swagger-ui.css"))

    assert (page.status_code, program.status_code) == (200, 200)
    assert "//" not in page.text


@pytest.mark.parametrize("package", ["bentoml", "fastapi_offline"])
def test_each_package_that_brings_the_program_is_enough(platform, monkeypatch, package):
    others = lambda name: find_spec(name) if name == package else None  # noqa: E731
    monkeypatch.setattr("handrail.entrypoints.http.docs_page.find_spec", others)

    with TestClient(lineage_app(platform)) as alone:
        page = alone.get("/docs").text
        named = re.findall(r'(?:src|href)="\./([^"]+)"', page)
        found = [alone.get(f"/{path}") for path in named]

    assert "//" not in page
    assert [path.rpartition("/")[2] for path in named] == ["swagger-ui.css", "swagger-ui-bundle.js"]
    assert all(answer.status_code == 200 and len(answer.content) > 100_000 for answer in found)


def test_without_the_program_the_page_says_so_and_asks_no_other_host(platform, monkeypatch):
    monkeypatch.setattr("handrail.entrypoints.http.docs_page.find_spec", lambda _name: None)

    with TestClient(lineage_app(platform)) as bare:
        page = bare.get("/docs")

    assert page.status_code == 200
    assert "pip install '.[server]'" in page.text
    assert 'href="./openapi.json"' in page.text
    assert "//" not in page.text


def test_every_operation_is_called_by_words(client):
    described = client.get("/openapi.json").json()

    titles = [each["summary"] for path in described["paths"].values() for each in path.values()]
    assert all(" " in title for title in titles), titles
    assert len(set(titles)) == len(titles)


def test_a_mistake_of_ours_is_a_problem_too_and_shows_nothing_of_it(platform):
    app = lineage_app(platform)

    @app.get("/broken")
    def broken():
        raise RuntimeError("our insides")

    with TestClient(app, raise_server_exceptions=False) as client:
        problem = is_problem(client.get("/broken"), 500, "Its log says which.")

    assert "insides" not in problem["detail"]
