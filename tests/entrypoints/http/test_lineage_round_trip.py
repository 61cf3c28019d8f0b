"""One Handrail records, another receives it over HTTP: same nodes, edges, digests, proof; only the sender differs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from handrail.bootstrap.lineage import open_lineage
from handrail.bootstrap.lineage_events import open_forwarder
from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.domain.authority import AUTHORITIES
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at, kind_of
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.lineage import Lineage
from tests.fakes.lineage import DEPLOYMENT, STAGES, PipelineInMemory, PointersInMemory, PredictionsInMemory, story
from tests.fakes.lineage_server import a_platform, a_token, served
from tests.fakes.lineage_stores import dump, graph_of

ROOT = Path(__file__).resolve().parents[3]
HANDRAIL = str(Path(sys.executable).with_name("handrail"))
DEADLINE_S = 60


def a_project(folder, sink):
    """A project with one sink, given as YAML."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "handrail.yaml").write_text("repository: shop\n")
    (folder / "config" / "lineage.yaml").write_text(f"version: 1\nsinks: {{there: {sink}}}\n")
    return a_platform(folder)


def lineage_of(platform):
    """The lineage of a project, over a pipeline that is given."""
    graph = SqlGraph(platform.store)
    known = PointersInMemory(), PredictionsInMemory(), PipelineInMemory(STAGES)
    return Lineage(LineagePorts(graph, *known, "shop", write_events, ("there",)))


def tell(platform):
    """Record the whole story of one model, and what tools report beside it."""
    assert open_lineage(platform.settings, platform.store, platform.feedback)
    lineage = lineage_of(platform)
    for call in story(platform.settings.project):
        call(lineage)
    details = ActivityDetails(attributes={"rows": "12"}, within=("prefect://s/flow-run/f1",), asserted_by="prefect")
    data = artifact_at("s3://lake/orders@1", "sha256:" + "0a" * 32)
    lineage.record_activity("prefect://s/task-run/t1", "task-run", used=[data], agents=["actor://a/b"], details=details)
    return lineage


@pytest.fixture
def there(tmp_path):
    opened = a_platform(tmp_path / "there")
    yield opened
    opened.close()


def forward(platform):
    with closing(open_forwarder(platform.settings, platform.store)) as forwarder:
        return forwarder.forward("there")


@pytest.mark.parametrize("way", ["{{url: '{address}/api/v1/lineage', token_env: THERE_TOKEN}}", "transport"])
def test_another_handrail_answers_as_the_one_that_recorded(tmp_path, there, way, monkeypatch):
    if way == "transport":
        way = "{{transport: {{type: http, url: '{address}', auth: {{type: api_key, apiKey: '${{THERE_TOKEN}}'}}}}}}"
    with served(there) as address:
        here = a_project(tmp_path / "here", way.format(address=address))
        monkeypatch.setenv("THERE_TOKEN", a_token(there, "here"))
        known = tell(here)
        done = forward(here)

    assert done.stopped is None
    assert done.sent == len(dump(there.store)["lineage_event"]) > 20
    assert graph_of(there.store) == graph_of(here.store)
    mine, theirs = (each.trace(DEPLOYMENT.uri) for each in (known, lineage_of(there)))
    assert theirs.nodes == mine.nodes
    assert [(e.effect, e.cause, e.verb, e.proven) for e in theirs.edges] == [
        (e.effect, e.cause, e.verb, e.proven) for e in mine.edges
    ]
    # Who approved is the word of the gate alone: over there it is an assertion of this server.
    of_the_gate = sum(edge.proven for edge in mine.edges if kind_of(edge.effect) in AUTHORITIES)
    assert theirs.proven == mine.proven - of_the_gate > 5
    assert {teller for edge in theirs.edges for teller in edge.asserted_by} == {"actor://service/here"}
    assert dump(there.store)["lineage_run"] == [], "activities of Handrail's are no runs of OpenLineage"
    assert forward(here).sent == 0
    tell(here)
    assert forward(here).sent == 0
    here.close()


def test_a_receiver_that_is_not_there_loses_nothing(tmp_path, there):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        sink = f"{{transport: {{type: http, url: '{url}', retry: {{total: 0}}}}}}"
        here = a_project(tmp_path / "here", sink)
        tell(here)

        done = forward(here)

    waiting = open_forwarder(here.settings, here.store).lengths()
    assert done.sent == 0
    assert "Connection" in done.stopped
    assert waiting[0].waiting == len(dump(here.store)["lineage_event"])
    here.close()


def test_a_forwarder_to_a_file_that_is_killed_loses_nothing_and_keeps_the_order_of_runs(tmp_path):
    file = tmp_path / "events.ndjson"
    sink = f"{{transport: {{type: file, log_file_path: '{file}', append: true}}}}"
    here = a_project(tmp_path / "here", sink)
    lineage = lineage_of(here)
    assert open_lineage(here.settings, here.store, here.feedback)
    for number in range(300):
        made = artifact_at(f"s3://lake/part@{number}", f"sha256:{number:064x}")
        lineage.record_activity(f"airflow://prod/run/{number % 3}", "airflow-run", generated=[made])

    environment = os.environ | {
        "HANDRAIL_PROJECT": str(tmp_path / "here"),
        "HANDRAIL_HOME": f"{tmp_path}/here/.handrail",
    }
    command = [HANDRAIL, "lineage", "forward", "--json"]
    for seen in (1, 120):
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for_lines(file, seen, child)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=DEADLINE_S)
    last = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    assert last.returncode == 0, last.stderr
    assert json.loads(last.stdout)["queues"] == []
    lines = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
    sent = list({read_event(each).event_id: each for each in lines}.values())
    assert len(sent) == 300
    for run in {each["run"]["runId"] for each in sent}:
        times = [each["eventTime"] for each in sent if each["run"]["runId"] == run]
        assert times == sorted(times)
    here.close()


def wait_for_lines(file, count, child):
    """Wait until the file has so many lines, or the child ended."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and not (file.is_file() and file.read_bytes().count(b"\n") >= count):
        with suppress(subprocess.TimeoutExpired):
            child.wait(0.02)
            return


def test_a_broken_facet_of_ours_is_refused_by_its_name_over_http(there):
    document = {
        "eventTime": "2026-11-23T12:00:00Z",
        "producer": "https://example.org/shop",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "00000000-0000-0000-0000-000000000001"},
        "job": {"namespace": "n", "name": "j"},
        "outputs": [
            {
                "namespace": "s3://lake",
                "name": "a",
                "facets": {
                    "handrail_artifact": {
                        "_producer": "https://x",
                        "_schemaURL": "https://x",
                        "digests": ["sha256:XY"],
                    },
                    "vendor_artifact": {"_producer": "https://x", "_schemaURL": "https://x", "digests": 7},
                },
            }
        ],
    }
    with served(there) as address:
        headers = {"authorization": f"Bearer {a_token(there)}"}
        answer = httpx.post(f"{address}/api/v1/lineage", json=document, headers=headers)

    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["field"] == "outputs.0.facets.handrail_artifact.digests.0"
    assert dump(there.store)["lineage_event"] == []
