"""Real OpenLineage producers, unchanged, against lineage over HTTP: the Python client, and Feast's own emitter."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    dataset_version_dataset,
    nominal_time_run,
    parent_run,
    schema_dataset,
    source_code_location_job,
    sql_job,
)
from openlineage.client.transport.http import (
    ApiKeyTokenProvider,
    HttpCompression,
    HttpConfig,
    HttpTransport,
)
from openlineage.client.uuid import generate_new_uuid
from requests import HTTPError

from handrail.lineage.adapters.sql.tables import metadata
from tests.fakes.lineage_server import a_platform, a_token, served


@pytest.fixture
def platform(tmp_path):
    opened = a_platform(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def address(platform):
    with served(platform) as url:
        yield url


def a_client(address, token, compression=None):
    auth = ApiKeyTokenProvider({"apiKey": token})
    return OpenLineageClient(
        transport=HttpTransport(HttpConfig(url=address, auth=auth, compression=compression, retry={"total": 0}))
    )


def a_run_event(run, job, state, inputs, outputs):
    return RunEvent(
        eventTime=now(),
        run=run,
        job=job,
        eventType=state,
        inputs=inputs,
        outputs=outputs,
        producer="https://airflow/3",
    )


def rows(platform, table):
    with platform.store.read() as connection:
        return connection.execute(sa.select(metadata.tables[f"lineage_{table}"])).mappings().all()


def now():
    return datetime.now(UTC).isoformat()


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_the_python_clients_events_become_a_graph(platform, address, compression):
    client = a_client(address, a_token(platform), compression)
    run_id, parent_id = str(generate_new_uuid()), str(generate_new_uuid())
    facets = {
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent_id), job=parent_run.Job(namespace="airflow://prod", name="nightly")
        ),
        "nominalTime": nominal_time_run.NominalTimeRunFacet(nominalStartTime=now()),
    }
    job = Job(
        namespace="airflow://prod",
        name="clean",
        facets={
            "sql": sql_job.SQLJobFacet(query="select 'quoted', 1"),
            "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
                type="git", url="https://git.example.org/shop/clean.py", version="c0ffee"
            ),
        },
    )
    inputs = [
        InputDataset(
            "postgres://db:5432", "shop.orders", facets={"schema": schema_dataset.SchemaDatasetFacet(fields=[])}
        )
    ]
    outputs = [
        OutputDataset(
            "s3://lake",
            "orders/clean",
            facets={
                "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion="42"),
                "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields={}),
            },
        )
    ]

    for state in (RunState.START, RunState.COMPLETE):
        client.emit(a_run_event(Run(run_id, facets), job, state, inputs, outputs))
    client.emit(JobEvent(eventTime=now(), job=job, inputs=inputs, outputs=[], producer="https://airflow/3"))
    client.emit(
        DatasetEvent(eventTime=now(), dataset=StaticDataset("s3://lake", "alone"), producer="https://airflow/3")
    )

    trace = platform.lineage.trace("s3://lake/orders/clean@42")
    nodes = {node.uri: node for node in trace.nodes}
    assert set(nodes) == {
        "s3://lake/orders/clean@42",
        f"openlineage-run://{run_id}",
        "openlineage-job://airflow:%2F%2Fprod/clean",
        "postgres://db:5432/shop.orders",
    }
    told = nodes[f"openlineage-run://{run_id}"].attributes
    assert told["parent"] == f"openlineage-run://{parent_id}"
    assert told["source_code"] == "https://git.example.org/shop/clean.py@c0ffee"
    assert [(row["run_id"], row["state_rank"]) for row in rows(platform, "run")] == [(run_id, 4)]
    assert len(rows(platform, "event")) == 4


def test_the_python_client_learns_that_its_event_was_refused(platform, address):
    client = a_client(address, a_token(platform))
    broken = a_run_event(
        Run(str(generate_new_uuid())), Job("n", "j"), RunState.START, [InputDataset("n", "a\x00b")], []
    )

    with pytest.raises(HTTPError, match="422"):
        client.emit(broken)
    with pytest.raises(HTTPError, match="401"):
        a_client(address, "wrong").emit(broken)


def test_feasts_own_emitter_points_here_unchanged(platform, address, tmp_path):
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64

    when = datetime.now(UTC) - timedelta(hours=1)
    pd.DataFrame({"shop": ["a"], "sales": [1.0], "event_timestamp": [when]}).to_parquet(tmp_path / "sales.parquet")
    store = FeatureStore(
        config=RepoConfig(
            project="shop",
            provider="local",
            registry=str(tmp_path / "registry.db"),
            online_store={"type": "sqlite", "path": str(tmp_path / "online.db")},
            entity_key_serialization_version=3,
            openlineage={
                "enabled": True,
                "transport_type": "http",
                "transport_url": address,
                "api_key": a_token(platform, "feast"),
            },
        )
    )
    entity = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
    source = FileSource(path=str(tmp_path / "sales.parquet"), timestamp_field="event_timestamp")
    view = FeatureView(name="sales", entities=[entity], schema=[Field(name="sales", dtype=Float64)], source=source)

    store.apply([entity, view, FeatureService(name="daily", features=[view])])
    store.materialize(when - timedelta(hours=1), datetime.now(UTC))

    for reached in ("openlineage://shop/daily", "openlineage://shop/online_store_sales"):
        trace = platform.lineage.trace(reached)
        assert any(node.uri.endswith("sales.parquet") for node in trace.nodes), reached
    assert [row["state_rank"] for row in rows(platform, "run")] == [4, 4, 4]
    assert {row["sender"] for row in rows(platform, "event_sender")} == {"actor://service/feast"}
