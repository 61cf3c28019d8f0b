"""The doctor and the database: each column of each table is edited in one row, past Handrail, and the check looks.

`FOUND` says which flaw names the edit, `HIDDEN` why an edit cannot be found. What a log outside of the database anchors
is the gate's matter: whoever edits a row and every digest of it is not found here.
"""

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage_doctor import open_doctor
from handrail.bootstrap.lineage_events import open_access, open_intake
from handrail.feedback.adapters.sql_tables import metadata as feedback_tables
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.csr_reach import CsrReach
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.adapters.sql.tables import metadata as lineage_tables
from handrail.lineage.domain.graph import Direction
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.lineage import Lineage
from handrail.settings import load_settings
from tests.fakes.feedback import GO_LIVE, a_prediction, an_outcome
from tests.fakes.lineage import (
    BENTO,
    DEPLOYMENT,
    PERMIT,
    STAGES,
    VERSION,
    PipelineInMemory,
    PredictionsInMemory,
    story,
)
from tests.fakes.lineage_events import PRODUCER, SPEC, a_dataset, a_run_event

NOW = datetime.now(UTC).isoformat()
KINDS = "version: 1\nkinds: {ground_truth: {maturity_window_hours: 36}}\n"
SINKS = "version: 1\nsinks: {marquez: {url: 'http://127.0.0.1:9'}}\n"
COPIES = {"feedback_part"}
"""Says where copies of rows lie: a compaction holds each of its rows against the file, see test_feedback_parts."""
SEALED = {"feedback_erasure", "feedback_erased", "feedback_snapshot_replaced"}
"""What was erased, sealed by a key outside of the database: test_feedback_erasures edits each of its columns."""
UNSHOWN = {"feedback_subject_key", "feedback_export", "feedback_sealed_text"}
"""Hold nothing that a figure is made from: with another key's id nothing is recorded or found by a subject's name, see
test_subject_key; exports are where an erasure looks; a text that is not what its event has a commitment to is shown to
nobody, see test_feedback_reviews."""
SORTED = (*lineage_tables.sorted_tables, *feedback_tables.sorted_tables)
TABLES = {table.name: table for table in SORTED if table.name not in COPIES | SEALED | UNSHOWN}
ABOUT, OTHER = (a_prediction(number, deployment=DEPLOYMENT.uri) for number in range(2))
WHOLE = set()
TOTAL = {"inputFields": [{"namespace": "s3://lake", "name": "a", "field": "price"}]}
COLUMNS = {"_producer": PRODUCER, "_schemaURL": SPEC, "fields": {"total": TOTAL}}

FOUND = {
    "lineage_node": {"id": "wrong-id"} | dict.fromkeys(("uri", "role", "kind", "started", "ended"), "changed-node"),
    "lineage_attribute": dict.fromkeys(("node", "name", "value"), "changed-attribute"),
    "lineage_edge": {
        "effect": "statement-without-edge",
        "cause": "statement-without-edge",
        "verb": "statement-without-edge",
        "proven": "changed-proof",
    },
    "lineage_statement": dict.fromkeys(
        ("effect", "cause", "verb", "asserted_by", "effect_digest", "cause_digest", "agreed"), "changed-statement"
    ),
    "lineage_column": dict.fromkeys(
        ("id", "effect", "column", "cause", "source", "how", "asserted_by"), "changed-column"
    ),
    "lineage_digest": dict.fromkeys(("node", "digest", "algorithm", "standing"), "changed-digest"),
    "lineage_pointer": dict.fromkeys(("name", "at", "target", "by", "row_digest"), "changed-pointer"),
    "lineage_event": {
        "event_id": "changed-event",
        "event_time": "changed-event",
        "producer": "changed-event",
        "body": "changed-event",
    },
    "lineage_event_sender": {"event_id": "event-without-sender", "sender": "changed-statement"},
    "lineage_run": dict.fromkeys(("run_id", "job", "state_rank", "started", "ended"), "changed-run"),
    "lineage_outbox": {
        "event_time": "changed-queue",
        "state_rank": "changed-queue",
        "event_id": "queued-without-event",
        "stream": "changed-queue",
        "refused": "refused-by-a-sink",
    },
    "lineage_epoch": {"id": "changed-copy"},
    "lineage_recent_edge": dict.fromkeys(("epoch", "effect", "cause"), "changed-copy"),
    "lineage_token": dict.fromkeys(
        ("name", "holder", "digest", "made_at", "may", "namespaces", "reports", "row_digest"), "changed-token"
    ),
    "feedback_deployment": {
        "id": "changed-prediction",
        "uri": "changed-prediction",
        "tree_digest": "deployment-differs",
        "model_version_uri": "deployment-differs",
        "bento_uri": "deployment-differs",
    },
    "feedback_prediction": {
        "seq": "changed-snapshot",
        **dict.fromkeys(
            ("prediction_id", "deployment_id", "subject", "made_at", "score", "label"), "changed-prediction"
        ),
        **dict.fromkeys(("features_digest", "feature_service", "variant", "propensity"), "changed-prediction"),
        **dict.fromkeys(("sampled", "degraded", "body"), "changed-prediction"),
    },
    "feedback_event": {
        "seq": "changed-snapshot",
        "event_id": "changed-snapshot",
        "received_at": "changed-snapshot",
        **dict.fromkeys(
            ("prediction_id", "kind", "source", "revision", "occurred_at", "value", "body"), "changed-feedback"
        ),
        **dict.fromkeys(("subject", "service", "since", "until", "item", "unit"), "changed-feedback"),
    },
    # Its number is above or below the mark of a snapshot; by how much it is earlier than its event shows there alone.
    "feedback_arrival": {"seq": "changed-snapshot"} | dict.fromkeys(("event_id", "received_at"), "changed-arrival"),
    "feedback_quarantine": {
        "seq": "changed-quarantine",
        **dict.fromkeys(("what", "identifier", "body", "content", "quarantined_at"), "changed-quarantine"),
        **dict.fromkeys(("reason", "field", "problem", "origin", "row_digest"), "changed-quarantine"),
    },
    "feedback_quarantine_step": dict.fromkeys(
        ("number", "state", "by", "at", "note", "content", "row_digest"), "changed-quarantine"
    ),
    "feedback_snapshot": {
        **dict.fromkeys(("digest", "scope", "kind", "predictions", "events"), "changed-snapshot"),
        **dict.fromkeys(("mark_predictions", "mark_events", "format", "mark_arrivals"), "changed-snapshot"),
    },
}
HIDDEN = {
    ("lineage_outbox", "sink"): "a sink's name is free, and one that is no longer configured may have a queue",
    (
        "lineage_epoch",
        "epoch",
    ): "a counter; nothing else holds how many copies were taken, unless it falls below one in use",
    ("feedback_deployment", "started_at"): "nothing else holds when a deployment began",
    ("feedback_prediction", "latency_ms"): "a measurement, and no part of what a client may repeat",
    ("feedback_quarantine_step", "seq"): "only which of several steps was the last follows from it",
}
# Which row is edited, where it matters; and what it is edited to, where one more would not be a value of its kind.
ROWS = {
    "lineage_node": "started is not null",
    "lineage_edge": "verb = 1",
    "lineage_statement": "verb = 1",
    "lineage_event_sender": "sender <> 'handrail'",
    "feedback_event": "event_id = 'plain'",
}
TO = {
    ("lineage_node", "role"): 3,
    ("lineage_node", "started"): "1999-01-01T00:00:00.000000+00:00",
    ("lineage_node", "ended"): "2999-01-01T00:00:00.000000+00:00",
    ("lineage_epoch", "epoch"): 7,
    ("lineage_recent_edge", "epoch"): 7,
    ("lineage_token", "digest"): "0" * 64,
    ("lineage_token", "made_at"): "1999-01-01T00:00:00.000000+00:00",
    ("lineage_token", "may"): '["ask"]',
    ("lineage_token", "namespaces"): '["s3://lake"]',
    ("feedback_prediction", "seq"): 99,
    ("feedback_event", "seq"): 99,
    ("feedback_event", "received_at"): 2_000_000_000_000_000,
    ("feedback_arrival", "seq"): 99,
    ("feedback_arrival", "received_at"): 2_000_000_000_000_000,
    ("feedback_snapshot", "mark_predictions"): 0,
    ("feedback_snapshot", "mark_events"): 0,
    ("feedback_snapshot", "format"): 1,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project whose store has a row in every table, and no flaw but those of an example."""
    project = tmp_path_factory.mktemp("whole")
    (project / "config").mkdir()
    (project / "config" / "feedback.yaml").write_text(KINDS)
    (project / "config" / "lineage.yaml").write_text(SINKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(project / ".handrail"))
        with open_platform() as platform:
            fill(platform)
    return project


def fill(platform):
    intake = open_intake(platform.settings, platform.store)
    for state in ("START", "COMPLETE"):
        made = a_dataset("b", "1")
        made["facets"]["columnLineage"] = COLUMNS
        intake.receive([a_run_event(1, state, [a_dataset("a", "1")], [made], eventTime=NOW)], "actor://service/airflow")
    # An edge that is newer than a copy in memory.
    SqlGraph(platform.store, CsrReach(platform.store), large=1).walk("s3://lake/a@1", Direction.EFFECTS, 10)
    record_story(platform)
    log = platform.feedback
    tree = platform.lineage.show(VERSION.uri).node.digest
    log.register_deployment(DEPLOYMENT.uri, tree, VERSION.uri, BENTO.uri, GO_LIVE)
    said = an_outcome(ABOUT, event_id="mine", received_at=GO_LIVE + timedelta(hours=9))
    log.record_predictions([ABOUT, OTHER])
    log.record_feedback([an_outcome(OTHER, event_id="plain"), said])
    log.record_feedback([an_outcome(ABOUT, event_id="mine"), an_outcome(ABOUT, 0.0, event_id="mine")])
    (conflict,) = log.quarantined()
    log.quarantine.drop(conflict.number, "ada", GO_LIVE, "the first one is right")
    log.snapshot("ground_truth", GO_LIVE, GO_LIVE + timedelta(days=1), GO_LIVE + timedelta(hours=8))


def record_story(platform):
    """Record the life of one model, a pointer at it, and a token."""
    pointers = SqlPointers(platform.store)
    ports = LineagePorts(
        SqlGraph(platform.store), pointers, PredictionsInMemory({}), PipelineInMemory(STAGES), "shop", write_events
    )
    lineage = Lineage(ports)
    for call in story(platform.settings.project):
        call(lineage)
    lineage.point("mlflow alias flights@champion", VERSION, GO_LIVE, by=PERMIT.uri)
    open_access(platform.store).create("airflow")


def check(project):
    with open_platform(load_settings(project)) as platform:
        return {flaw.kind for flaw in open_doctor(platform.store, platform.feedback).check(project)}


@pytest.fixture
def project(whole, tmp_path, monkeypatch):
    copy = tmp_path / "project"
    shutil.copytree(whole, copy)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(copy))
    monkeypatch.setenv("HANDRAIL_HOME", str(copy / ".handrail"))
    return copy


def edit(project, table, column):
    """Change one value of one row, past Handrail; return whether there was a row."""
    connection = sqlite3.connect(project / ".handrail" / "handrail.db")
    with connection:
        cursor = connection.execute(f"select * from {table} where {ROWS.get(table, 'true')} limit 1")
        row, names = cursor.fetchone(), [each[0] for each in cursor.description]
        value = TO[table, column] if (table, column) in TO else another(row[names.index(column)])
        same = " and ".join(f'"{name}" is ?' for name in names)
        changed = connection.execute(f'update {table} set "{column}" = ? where {same}', (value, *row)).rowcount
    connection.close()
    return changed


def another(value):
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, int | float):
        return 1 - value if value in (0, 1) else value + 1
    return f"{value or ''}0"


def test_every_column_of_every_table_is_in_the_list():
    listed = {(table, column) for table, columns in FOUND.items() for column in columns}

    assert listed | HIDDEN.keys() == {(name, column.name) for name, table in TABLES.items() for column in table.c}
    assert not listed & HIDDEN.keys()


def test_a_store_that_nobody_edited_has_none_of_these_flaws(project):
    assert check(project) == WHOLE


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [(table, column, kind) for table, columns in FOUND.items() for column, kind in columns.items()],
)
def test_an_edit_of_one_value_is_found(project, table, column, kind):
    assert edit(project, table, column) == 1

    assert kind in check(project)


@pytest.mark.parametrize(("table", "column"), HIDDEN)
def test_an_edit_that_nothing_shows_is_listed_as_such(project, table, column):
    assert edit(project, table, column) == 1

    assert check(project) == WHOLE


IMPOSSIBLE = {
    b"\xff": "lineage_digest.digest lineage_attribute.name lineage_event.body lineage_node.uri lineage_token.may",
    "text": "lineage_digest.node feedback_arrival.received_at feedback_event.value feedback_snapshot.mark_events",
    float("inf"): "lineage_epoch.epoch feedback_quarantine.quarantined_at feedback_event.revision",
    -(2**63): "lineage_recent_edge.epoch feedback_prediction.made_at feedback_deployment.started_at",
}


@pytest.mark.parametrize(("place", "value"), [(at, value) for value, all_ in IMPOSSIBLE.items() for at in all_.split()])
def test_an_edit_to_what_cannot_be_is_found_with_the_rows_name(project, monkeypatch, place, value):
    table, column = place.split(".")
    monkeypatch.setitem(TO, (table, column), value)
    assert edit(project, table, column) == 1
    with open_platform(load_settings(project)) as platform:
        flaws = open_doctor(platform.store, platform.feedback).check(project)
    (wrong,) = [flaw for flaw in flaws if flaw.kind == "impossible-value"]
    assert (wrong.subject.split(",")[0], wrong.detail.startswith(f"its {column} is ")) == (table, True)
