"""The middleware of any ASGI service: an id in its answer, and the prediction in the record."""

import asyncio
import json
import logging
import os
import threading
import time
from pathlib import Path

import pytest
from fastapi import BackgroundTasks, FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from handrail import open_platform
from handrail.errors import InvalidInput, Unavailable
from handrail.http import PredictionIds, prediction_id, record_prediction
from handrail.settings import load_settings

ESPRESSO = "deploy://local/espresso/1"
DEADLINE_S = 20


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty folder: no config, no store."""
    for name in [name for name in os.environ if name.startswith("HANDRAIL_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def service(**options):
    app = FastAPI()
    app.add_middleware(PredictionIds, **{"deployment": "espresso/1"} | options)

    @app.post("/breaks")
    def breaks(machine: str, score: float = 0.31):
        return {"id": record_prediction(machine, score, int(score > 0.5))}

    @app.post("/async")
    async def breaks_async(machine: str):
        return {"id": record_prediction(machine, 0.5, 1, variant="b", propensity=0.5)}

    @app.post("/several")
    def several(machines: str):
        return {"ids": [record_prediction(machine, 0.5, 1) for machine in machines.split(",")]}

    @app.get("/health")
    def health():
        return "ok"

    return app


def recorded(*ids):
    with open_platform() as platform:
        return [platform.feedback.find_prediction(each) for each in ids]


def test_the_id_in_the_header_names_the_recorded_prediction(project):
    with TestClient(service()) as client:
        answer = client.post("/breaks", params={"machine": "m-7"})

    [made] = recorded(answer.headers["x-prediction-id"])
    assert answer.json() == {"id": made.prediction_id}
    assert (made.deployment, made.subject, made.score, made.label) == (ESPRESSO, "m-7", 0.31, 0)
    assert 0 < made.latency_ms < 60_000
    assert (project / ".handrail" / "handrail.db").is_file()


def test_an_asynchronous_route_records_too():
    with TestClient(service()) as client:
        [made] = [client.post("/async", params={"machine": "m-8"}).json()["id"]]

    assert (recorded(made)[0].variant, recorded(made)[0].propensity) == ("b", 0.5)


def test_a_request_that_predicts_nothing_has_no_id():
    with TestClient(service()) as client:
        assert "x-prediction-id" not in client.get("/health").headers


def test_several_predictions_of_a_request_have_ids_of_their_own():
    with TestClient(service()) as client:
        answer = client.post("/several", params={"machines": "a,b,c"})

    first, *others = answer.json()["ids"]
    assert answer.headers["x-prediction-id"] == first
    assert others == [f"{first}-2", f"{first}-3"]
    assert [each.subject for each in recorded(first, *others)] == ["a", "b", "c"]


def test_what_is_recorded_moves_into_the_log_while_the_service_runs():
    with TestClient(service()) as client:
        made = client.post("/breaks", params={"machine": "m-7"}).json()["id"]
        deadline = time.monotonic() + DEADLINE_S
        with open_platform() as platform:
            while not platform.feedback.made_by(made) and time.monotonic() < deadline:
                threading.Event().wait(0.05)

            assert platform.feedback.made_by(made) == ESPRESSO


def test_what_a_killed_process_left_is_moved_by_the_next_one():
    child = os.fork()
    if not child:
        client = TestClient(service())  # no lifespan: nobody closes it
        Path("id").write_text(client.post("/breaks", params={"machine": "m-7"}).json()["id"])
        os._exit(9)
    os.waitpid(child, 0)

    with TestClient(service()):
        pass

    assert recorded(Path("id").read_text())[0].subject == "m-7"


def test_the_id_of_a_caller_counts_only_where_a_proxy_sets_it():
    sent = {"machine": "m-7"}, {"x-prediction-id": "order-7"}
    with TestClient(service()) as client:
        own = client.post("/breaks", params=sent[0], headers=sent[1]).headers["x-prediction-id"]
    with TestClient(service(from_caller=True)) as client:
        taken = client.post("/breaks", params=sent[0], headers=sent[1]).headers["x-prediction-id"]
        odd = client.post("/breaks", params=sent[0], headers={"x-prediction-id": "a b"}).headers["x-prediction-id"]

    assert own != "order-7"
    assert taken == "order-7"
    assert odd != "a b"
    assert len(recorded(own, taken, odd)) == 3


def test_a_wrong_value_leaves_the_answer_as_it_is_and_is_logged(caplog):
    caplog.set_level(logging.WARNING, "handrail.feedback")
    with TestClient(service()) as client:
        answer = client.post("/breaks", params={"machine": "", "score": 0.3})

    assert (answer.status_code, answer.json()) == (200, {"id": None})
    assert "x-prediction-id" not in answer.headers
    assert "A prediction is not recorded. subject: '' is not a name." in caplog.text


@pytest.fixture
def full_disk(project):
    (project / ".handrail").mkdir()
    (project / ".handrail" / "spool").write_text("a file in the place of the folder")


@pytest.mark.usefixtures("full_disk")
def test_serving_goes_on_where_nothing_can_be_written(caplog):
    caplog.set_level(logging.WARNING, "handrail.feedback")

    answer = TestClient(service()).post("/breaks", params={"machine": "m-7"})

    assert (answer.status_code, "x-prediction-id" in answer.headers) == (200, False)
    assert "A prediction is not recorded. The spool" in caplog.text


@pytest.mark.usefixtures("full_disk")
def test_an_answer_that_has_to_be_recorded_is_refused_where_nothing_can_be_written():
    answer = TestClient(service(required=True)).post("/breaks", params={"machine": "m-7"})

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["detail"].startswith("The spool")


def test_a_stream_names_its_id_before_it_is_recorded():
    app = service()

    @app.get("/stream")
    def stream():
        named = prediction_id()

        def words():
            yield "it "
            yield str(record_prediction("m-9", 0.9, 1) == named)

        return StreamingResponse(words())

    with TestClient(app) as client:
        answer = client.get("/stream")

    assert answer.text == "it True"
    assert recorded(answer.headers["x-prediction-id"])[0].subject == "m-9"


def test_work_behind_an_answer_is_recorded_too():
    app = service()

    @app.post("/later")
    def later(tasks: BackgroundTasks):
        tasks.add_task(record_prediction, "m-10", 0.1, 0)
        return {"id": prediction_id()}

    with TestClient(app) as client:
        made = client.post("/later").json()["id"]

    assert recorded(made)[0].subject == "m-10"


def test_outside_a_request_the_way_in_is_named():
    for call in (prediction_id, lambda: record_prediction("m-7", 0.5, 1)):
        with pytest.raises(Unavailable, match=r"Add app.add_middleware\(PredictionIds"):
            call()


def test_a_name_that_is_no_deployment_is_refused_at_the_start():
    with pytest.raises(InvalidInput, match="deployment: 'espresso' names none"):
        PredictionIds(None, "espresso")


def test_an_unknown_field_is_named(caplog):
    app = service(required=True)

    @app.post("/odd")
    def odd():
        record_prediction("m", 0.5, 1, colour="red")

    with TestClient(app) as client, pytest.raises(InvalidInput, match="colour: a prediction has no such field"):
        client.post("/odd")


def test_a_plain_asgi_app_without_a_framework_has_it_too():
    async def plain(scope, receive, send):
        made = record_prediction("m-1", 0.2, 0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(made).encode()})

    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    app = PredictionIds(plain, ESPRESSO)
    asyncio.run(app({"type": "http", "headers": []}, receive, send))

    [(name, value)] = sent[0]["headers"]
    assert (name, value.decode()) == (b"x-prediction-id", json.loads(sent[1]["body"]))


def test_requests_at_once_have_ids_of_their_own():
    with TestClient(service()) as client:

        def ask(number, found):
            found[number] = client.post("/breaks", params={"machine": f"m-{number}"}).json()["id"]

        found = {}
        threads = [threading.Thread(target=ask, args=(number, found)) for number in range(16)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

    assert [each.subject for each in recorded(*found.values())] == [f"m-{number}" for number in found]


def test_what_a_service_serves_is_recorded_at_its_start(tmp_path):
    from handrail.refs import ModelVersion, TrackingRun

    with open_platform() as platform:
        version = ModelVersion("m", "espresso", 1, 3)
        platform.lineage.record_registration(version, tree_digest="sha256:" + "3" * 64, run=TrackingRun("m", "run3"))

    with TestClient(service(serves="models:/espresso/3")) as client:
        made = client.post("/breaks", params={"machine": "m-7"}).json()["id"]

    with open_platform() as platform:
        trace = platform.lineage.trace(made)
    assert version.uri in {node.uri for node in trace.nodes}


def test_a_version_that_nobody_knows_stops_no_service(caplog):
    with TestClient(service(serves="models:/nothing/3", settings=load_settings())) as client:
        assert client.post("/breaks", params={"machine": "m-7"}).status_code == 200

    assert f"what {ESPRESSO} serves" in caplog.text
