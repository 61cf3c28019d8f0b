"""What a request with lineage events may weigh, how it may be packed, and what its answer says was not read."""

import asyncio
import gzip
import json
from contextlib import closing

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from handrail.entrypoints.http.lineage import lineage_app
from handrail.entrypoints.http.lineage_bodies import read_documents
from handrail.errors import InvalidInput
from tests.fakes.lineage_events import a_dataset, a_run_id
from tests.fakes.lineage_server import a_platform, a_token, an_event_now, is_problem

EVENTS, TRACE, SHOW = (f"/api/v1/lineage{question}" for question in ("", "/trace", "/show"))


@pytest.fixture
def platform(tmp_path):
    with closing(a_platform(tmp_path)) as opened:
        yield opened


@pytest.fixture
def client(platform):
    with TestClient(lineage_app(platform), raise_server_exceptions=False) as opened:
        opened.headers["authorization"] = f"Bearer {a_token(platform)}"
        yield opened


def padded(size, batch):
    text = json.dumps([an_event_now(2)] if batch else an_event_now(2))
    return (text + " " * (size - len(text))).encode()


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_body_may_be_as_large_as_the_one_limit_and_no_larger(client, platform, batch, packed):
    size = platform.settings.lineage_max_bytes
    headers = {"content-encoding": "gzip"} if packed else {}
    pack = gzip.compress if packed else bytes

    assert size == 25_000_000
    assert client.post(EVENTS, content=pack(padded(size, batch)), headers=headers).status_code == 201
    is_problem(client.post(EVENTS, content=pack(padded(size + 1, batch)), headers=headers), 413, f"{size:,}")


def test_the_limit_is_a_setting_and_the_refusal_names_it(tmp_path):
    with (
        closing(a_platform(tmp_path, lineage_max_bytes=2_000)) as platform,
        TestClient(lineage_app(platform)) as client,
    ):
        client.headers["authorization"] = f"Bearer {a_token(platform)}"

        assert client.post(EVENTS, content=padded(2_000, False)).status_code == 201
        is_problem(client.post(EVENTS, content=padded(2_001, False)), 413, "2,000", "lineage_max_bytes")


def test_an_event_with_a_very_large_plan_leads_from_its_input_to_its_output(client):
    large = an_event_now(1, [a_dataset("a")], [a_dataset("b")])
    large["run"]["facets"] = {"spark.logicalPlan": {"plan": [{"class": "Project", "text": "x" * 1000}] * 12_000}}

    assert client.post(EVENTS, json=large).status_code == 201
    assert client.get(TRACE, params={"ref": "s3://lake/b"}).json()["hops"] == 3


def test_what_was_not_read_is_named_in_the_answer_by_its_place_in_the_batch(client):
    bent = a_dataset("a")
    bent["facets"]["version"] = {"datasetVersion": 3}

    answer = client.post(EVENTS, json=[an_event_now(1), an_event_now(2, [bent], eventTime="2026-11-23T12:00:00")])

    assert (answer.status_code, answer.json()["accepted"]) == (201, 2)
    assert [note["field"] for note in answer.json()["notes"]] == ["1.eventTime", "1.inputs.0.facets.version"]
    assert "UTC" in answer.json()["notes"][0]["note"]


def test_of_very_many_notes_some_are_shown_and_the_others_counted(client):
    bent = [a_dataset(f"a{number}") | {"facets": []} for number in range(150)]

    answer = client.post(EVENTS, json=an_event_now(1, bent)).json()

    assert (len(answer["notes"]), answer["more_notes"]) == (100, 50)


def test_a_dataset_is_found_by_the_signs_that_its_producer_wrote(client):
    quoted, long = '"db"."schema"."table"', "é/" * 600
    client.post(EVENTS, json=an_event_now(1, [a_dataset(quoted)], [a_dataset(long), a_dataset("100%25 of it")]))

    for name in (quoted, long, "100%25 of it"):
        found = client.get(SHOW, params={"ref": f"s3://lake/{name}"}).json()
        assert found["attributes"]["name"] == name


def test_a_huge_body_is_refused_before_it_is_read(client):
    def pieces():
        yield b"["
        for _ in range(100):
            yield b" " * 1_000_000

    is_problem(client.post(EVENTS, content=pieces()), 413)
    is_problem(client.post(EVENTS, content=b"{}", headers={"content-length": "100000000"}), 413)
    is_problem(
        client.post(EVENTS, content=gzip.compress(b" " * 100_000_000), headers={"content-encoding": "gzip"}), 413
    )


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("br", b"{}", 415),
        ("gzip", b"{}", 400),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-6], 400),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more", 400),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused_as_such(client, encoding, body, status):
    is_problem(client.post(EVENTS, content=body, headers={"content-encoding": encoding}), status)


def test_a_body_that_breaks_off_is_refused_and_no_fault_of_the_server():
    parts = iter([{"type": "http.request", "body": b"[", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(parts)

    with pytest.raises(InvalidInput, match="broke off"):
        asyncio.run(read_documents(Request({"type": "http", "headers": []}, receive), 1_000))


def test_a_login_is_in_no_answer_and_in_no_file_and_the_sender_gets_to_know(client, platform):
    secret = "hunter2"
    table = a_dataset("shop.public.orders", namespace=f"postgres://etl:{secret}@db:5432")
    sent = an_event_now(1, [table], [a_dataset("orders")])
    sent["run"]["facets"] = {
        "errorMessage": {"message": f"cannot reach https://x:{secret}@host/a"},
        "environmentVariables": {"environmentVariables": [{"name": "DB_PASSWORD", "value": secret}]},
    }

    first, again = client.post(EVENTS, json=sent), client.post(EVENTS, json=sent)
    refused = client.post(EVENTS, json=sent | {"eventTime": f"https://x:{secret}@y"})

    assert (first.status_code, again.json()["repeated"], refused.status_code) == (201, 1, 422)
    assert {note["field"] for note in first.json()["notes"]} == {
        "inputs.0.namespace",
        "run.facets.errorMessage.message",
        "run.facets.environmentVariables.environmentVariables.0.value",
    }
    trace = client.get(TRACE, params={"ref": "s3://lake/orders"})
    exported = client.get(f"{EVENTS}/export", params={"ref": "s3://lake/orders", "format": "openlineage"})
    asked = client.get(SHOW, params={"ref": f"postgres://etl:{secret}@db:5432/shop.public.orders"})
    assert asked.json()["uri"] == "postgres://db:5432/shop.public.orders"
    for answer in (first, refused, trace, exported, asked):
        assert secret not in answer.text
    platform.store.close()
    assert not [file for file in platform.settings.home.rglob("handrail.db*") if secret.encode() in file.read_bytes()]


@pytest.mark.parametrize("state", ["START", "FAIL", "ABORT", "COMPLETE"])
def test_the_state_of_a_run_and_its_error_are_in_every_answer_and_in_what_is_exported(client, tmp_path, state):
    failed = an_event_now(1, [a_dataset("a")], [a_dataset("b")], eventType=state)
    failed["run"]["facets"] = {"errorMessage": {"message": "disk full\nat line 3", "programmingLanguage": "JAVA"}}
    client.post(EVENTS, json=[failed, failed | {"eventType": "START"}])
    run = f"openlineage-run://{a_run_id(1)}"

    shown = client.get(SHOW, params={"ref": run}).json()
    (traced,) = (
        node for node in client.get(TRACE, params={"ref": "s3://lake/b"}).json()["nodes"] if node["uri"] == run
    )
    impact = client.get(f"{EVENTS}/impact", params={"ref": "s3://lake/a"}).json()
    exported = client.get(f"{EVENTS}/export", params={"ref": "s3://lake/b", "format": "openlineage"}).text.splitlines()

    assert shown["attributes"] == traced["attributes"]
    assert (shown["attributes"]["state"], shown["attributes"]["error"]) == (state, "disk full\nat line 3")
    assert impact["failed_runs"] == ([run] if state in ("FAIL", "ABORT") else [])
    (event,) = (each for each in map(json.loads, exported) if each["run"]["runId"] == a_run_id(1))
    assert event["eventType"] == state
    assert event["run"]["facets"]["errorMessage"]["message"] == "disk full\nat line 3"

    with closing(a_platform(tmp_path / "there")) as there, TestClient(lineage_app(there)) as other:
        other.headers["authorization"] = f"Bearer {a_token(there)}"
        assert other.post(EVENTS, json=[*map(json.loads, exported)]).status_code == 201
        assert other.post(EVENTS, json=failed | {"eventType": "COMPLETE"}).status_code == 201
        assert other.get(SHOW, params={"ref": run}).json()["attributes"]["state"] == "COMPLETE"


@pytest.mark.parametrize("ref", ["s3://lake/out", "hive://meta/db.out"])
def test_show_answers_the_same_under_each_name_with_the_columns(client, ref):
    out, also = a_dataset("out"), {"namespace": "hive://meta", "name": "db.out"}
    field = {"namespace": "s3://lake", "name": "in", "field": "amount"}
    out["facets"]["symlinks"] = {"identifiers": [also | {"type": "TABLE"}]}
    out["facets"]["columnLineage"] = {"fields": {"total": {"inputFields": [field]}}}
    client.post(EVENTS, json=an_event_now(1, [a_dataset("in")], [out]))
    client.post(EVENTS, json=an_event_now(2, [also], [a_dataset("report")]))

    shown = client.get(SHOW, params={"ref": ref}).json()

    assert [edge["cause"] for edge in shown["causes"]] == [f"openlineage-run://{a_run_id(1)}"]
    assert [edge["effect"] for edge in shown["effects"]] == [f"openlineage-run://{a_run_id(2)}"]
    assert {ref, *shown["alternates"]} == {"s3://lake/out", "hive://meta/db.out"}
    (column,) = shown["columns"]
    assert (column["column"], column["cause"], column["source"]) == ("total", "s3://lake/in", "amount")
    for form in ("mermaid", "dot", "prov-json"):
        drawn = client.get(f"{EVENTS}/export", params={"ref": ref, "format": form})
        assert drawn.status_code == 200
        assert drawn.text.count("also named") == (0 if form == "prov-json" else 1)


def test_a_column_is_followed_and_a_trace_has_columns_if_it_is_asked(client):
    out, field = a_dataset("out"), {"namespace": "s3://lake", "name": "in", "field": "amount"}
    other = a_dataset("other")
    out["facets"]["columnLineage"] = {"fields": {"total": {"inputFields": [field]}}}
    other["facets"]["columnLineage"] = {"fields": {"day": {"inputFields": [field | {"field": "at"}]}}}
    client.post(EVENTS, json=an_event_now(1, [a_dataset("in")], [out, other], eventType="FAIL"))

    traced = client.get(TRACE, params={"ref": "s3://lake/out", "columns": True}).json()
    plain = client.get(TRACE, params={"ref": "s3://lake/out"}).json()
    impact = client.get(f"{EVENTS}/impact", params={"ref": "s3://lake/in#amount"}).json()
    nodes = client.get(f"{EVENTS}/impact/nodes", params={"ref": "s3://lake/in#at"}).json()["nodes"]
    wrong = client.get(f"{EVENTS}/impact", params={"ref": "s3://lake/in#none"})

    run = f"openlineage-run://{a_run_id(1)}"
    assert [(each["column"], each["source"]) for each in traced["columns"]] == [("total", "amount")]
    assert "columns" not in plain
    assert (impact["column"], impact["reached"], impact["failed_runs"]) == ("amount", 2, [run])
    assert impact["columns"] == {"s3://lake/in": ["amount"], "s3://lake/out": ["total"]}
    assert {node["uri"] for node in nodes} == {"s3://lake/in", "s3://lake/other", run}
    assert wrong.status_code == 404
    assert "Column lineage names: amount, at." in wrong.json()["detail"]
