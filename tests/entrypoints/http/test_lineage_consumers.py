"""What Handrail emits, others take: the classes of the OpenLineage client, its transports, and Feast's own consumer."""

import json
import threading
from contextlib import closing, contextmanager

import attr
import pytest
import uvicorn
from fastapi import FastAPI
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import dataset_version_dataset
from openlineage.client.generated.base import DatasetFacet, RunFacet
from openlineage.client.serde import Serde
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

from handrail.bootstrap.lineage_events import open_forwarder
from handrail.lineage.adapters.openlineage.client import to_event
from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.domain.vocabulary import Verb
from tests.entrypoints.http.test_lineage_round_trip import a_project, tell
from tests.fakes.lineage_server import a_platform, a_token, served
from tests.fakes.lineage_stores import dump
from tests.fakes.openlineage_schemas import faults, our_facets

DEADLINE_S = 60
SCHEMAS = "https://handrail.invalid/openlineage/1-0-0"
DIGEST = "sha256:" + "9f" * 32


@pytest.fixture
def here(tmp_path):
    opened = a_project(tmp_path / "here", "{url: 'http://127.0.0.1:9/', token_env: FEAST_KEY}")
    yield opened
    opened.close()


def emitted(platform):
    tell(platform)
    return [json.loads(row[-1]) for row in dump(platform.store)["lineage_event"]]


def test_every_emitted_event_fits_the_schemas_and_the_clients_classes(here, tmp_path):
    documents = emitted(here)
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(tmp_path / "out"), append=True)))

    for document in documents:
        assert [fault for _, facet in our_facets(document) for fault in faults(facet)] == []
        again = Serde.to_dict(to_event(document))
        assert read_event(again).body == read_event(document).body
        client.emit(to_event(document))

    sent = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [each["run"]["runId"] for each in sent] == [each["run"]["runId"] for each in documents]


def test_feasts_own_consumer_takes_every_event_and_walks_them(here, tmp_path, monkeypatch):
    tell(here)
    monkeypatch.setenv("FEAST_KEY", "k3y")
    with feast_consumer(tmp_path / "feast.db", "k3y") as (url, store):
        (here.settings.config / "lineage.yaml").write_text(
            f"version: 1\nsinks: {{there: {{url: '{url}', token_env: FEAST_KEY}}}}\n"
        )
        with closing(open_forwarder(here.settings, here.store)) as forwarder:
            done = forwarder.forward("there")
        graph = store.get_lineage_graph("dataset", "deploy://local", "flights/d1", depth=30, direction="upstream")

    assert (done.stopped, done.refused) == (None, 0)
    assert done.sent == len(dump(here.store)["lineage_event"])
    names = {f"{each['namespace']}/{each['name']}" for each in graph["nodes"]}
    assert {"dvc://shop/data/raw", "bento://flights/b1", "dvc-stage://shop/train"} <= names


@contextmanager
def feast_consumer(database, key):
    """Serve Feast's consumer; yield where it takes events, and its store."""
    from feast.openlineage.config import OpenLineageConsumerConfig
    from feast.openlineage.consumer import get_consumer_router
    from feast.openlineage.processor import OpenLineageProcessor
    from feast.openlineage.store import OpenLineageStore

    store = OpenLineageStore(connection_string=f"sqlite:///{database}")
    store.initialize()
    app = FastAPI()

    class Config(OpenLineageConsumerConfig):
        consumer_api_key = key

    app.include_router(get_consumer_router(Config(), store, OpenLineageProcessor(store)), prefix="/api/v1")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    started, startup = threading.Event(), server.startup

    async def start(*arguments, **named):
        await startup(*arguments, **named)
        started.set()

    server.startup = start
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(DEADLINE_S), "the consumer did not start"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/api/v1/lineage", store
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)
        store._engine.dispose()


@attr.define
class HandrailArtifactDatasetFacet(DatasetFacet):
    """As anybody's code would write it."""

    digests: list[str] = attr.field(factory=list)

    @staticmethod
    def _get_schema():
        return f"{SCHEMAS}/HandrailArtifactDatasetFacet.json#/$defs/HandrailArtifactDatasetFacet"


@attr.define
class HandrailActivityRunFacet(RunFacet):
    """As anybody's code would write it."""

    associatedWith: list[dict[str, str]] = attr.field(factory=list)  # noqa: N815

    @staticmethod
    def _get_schema():
        return f"{SCHEMAS}/HandrailActivityRunFacet.json#/$defs/HandrailActivityRunFacet"


def a_run(job, inputs=(), outputs=()):
    facets = {"handrail_activity": HandrailActivityRunFacet(associatedWith=[{"uri": "actor://ldap/ann"}])}
    run = Run(str(generate_new_uuid()), facets)
    return RunEvent(
        eventTime="2026-11-23T12:00:00Z",
        run=run,
        job=Job("airflow://prod", job),
        eventType=RunState.COMPLETE,
        inputs=list(inputs),
        outputs=list(outputs),
        producer="https://example.org/etl",
    )


def facets(digest):
    return {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion="7"),
        "handrail_artifact": HandrailArtifactDatasetFacet(digests=[digest]),
    }


@pytest.mark.parametrize(("taken", "proven"), [(DIGEST, True), ("sha256:" + "00" * 32, False)])
def test_any_producer_gets_proven_hops_by_stating_digests_at_both_ends(tmp_path, taken, proven):
    platform = a_platform(tmp_path)
    with served(platform) as address:
        maker, taker = (
            OpenLineageClient(
                transport=HttpTransport(HttpConfig(url=address, auth=ApiKeyTokenProvider({"apiKey": token})))
            )
            for token in (a_token(platform, "airflow"), a_token(platform, "spark"))
        )
        taker.emit(a_run("learn", inputs=[InputDataset("s3://lake", "orders", facets=facets(taken))]))
        before = marks(platform)
        maker.emit(a_run("clean", outputs=[OutputDataset("s3://lake", "orders", facets=facets(DIGEST))]))
        after = marks(platform)
        maker.close()
        taker.close()
    findings = platform.lineage.findings()
    agents = platform.lineage.trace("s3://lake/orders@7").nodes
    platform.close()

    assert before == {Verb.USED: False}, "one side alone proves nothing"
    assert after == {Verb.USED: proven, Verb.GENERATED: proven}
    assert [finding.uri for finding in findings] == ([] if proven else ["s3://lake/orders@7"])
    assert "actor://ldap/ann" in {node.uri for node in agents}


def marks(platform):
    verbs = (Verb.USED, Verb.GENERATED)
    return {Verb(row[2]): bool(row[3]) for row in dump(platform.store)["lineage_edge"] if row[2] in map(int, verbs)}


def test_an_event_alone_proves_nothing_whatever_digests_it_states(tmp_path):
    platform = a_platform(tmp_path)
    with served(platform) as address:
        auth = ApiKeyTokenProvider({"apiKey": a_token(platform)})
        client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=address, auth=auth)))
        ends = {"facets": facets(DIGEST)}
        client.emit(a_run("copy", [InputDataset("s3://lake", "a", **ends)], [OutputDataset("s3://lake", "b", **ends)]))
        client.close()

    assert marks(platform) == {Verb.USED: False, Verb.GENERATED: False}
    platform.close()
