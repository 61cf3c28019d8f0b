"""Evidently alone: real reports in a real workspace, and what lineage knows of them."""

import hashlib
import json
import shutil
from datetime import UTC, timedelta
from pathlib import Path

import pandas as pd
import pytest
from evidently import DataDefinition, Dataset, Report
from evidently.core.report import Snapshot
from evidently.metrics import MeanValue
from evidently.tests import gte
from evidently.ui.workspace import Workspace

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage_doctor import open_doctor
from handrail.entrypoints.evidently.reports import Sources, add_run
from handrail.entrypoints.hosts.recording import platform_here
from handrail.feedback.adapters.sql_tables import snapshot
from tests.fakes.command import handrail_command

DIGEST = "sha256:" + "5a" * 32
MARKS = ("mark_predictions", "mark_events", "mark_arrivals", "format")
SNAPSHOT = f"feedback://handrail/snapshot/{DIGEST}"
OCTOBER = "dvc://shop/data/october.csv@" + hashlib.md5(b"x\n1\n2\n").hexdigest()
CONFIG = Path(__file__).resolve().parents[3] / "config"
AS_OF = pd.Timestamp("2026-11-01T00:00:00").to_pydatetime()


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "october.csv").write_text("x\n1\n2\n")
    return tmp_path


@pytest.fixture
def workspace(project):
    return Workspace.create(str(project / "evidently"))


@pytest.fixture
def flights(workspace):
    return workspace.create_project("flights").id


@pytest.fixture
def handrail(project, monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "lineage")


def a_run(**metadata):
    current = Dataset.from_pandas(
        pd.DataFrame({"x": [1.0, 2.0]}), data_definition=DataDefinition(numerical_columns=["x"])
    )
    report = Report([MeanValue(column="x", tests=[gte(5)])])
    return report.run(current, timestamp=AS_OF, metadata=metadata, tags=["october"])


def causes(uri):
    return {edge.cause: edge for edge in platform_here().lineage.trace(uri).edges if edge.effect == uri}


def node(uri):
    return next(each for each in platform_here().lineage.trace(uri).nodes if each.uri == uri)


def digest_of(workspace, project_id, run_id):
    content = Snapshot.load_model(workspace.get_run(project_id, run_id)).json()
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def test_a_run_is_added_as_evidently_adds_it_and_leads_to_its_snapshot_and_data(workspace, flights):
    sources = Sources(snapshot=DIGEST, current="data/october.csv", reference="s3://lake/september.parquet")

    added = add_run(workspace, flights, a_run(), sources, name="drift")

    report = f"evidently://flights/report/{added.id}"
    assert list(workspace.list_runs(flights)) == [added.id]
    assert node(report).digest == digest_of(workspace, flights, added.id)
    assert set(causes(report)) == {SNAPSHOT, f"evidently://flights/evaluation/{added.id}"}
    made_of = set(causes(f"evidently://flights/evaluation/{added.id}"))
    assert made_of == {SNAPSHOT, "s3://lake/september.parquet", OCTOBER}


def test_a_report_says_how_its_tests_went(workspace, flights):
    added = add_run(workspace, flights, a_run(), name="drift")

    told = node(f"evidently://flights/report/{added.id}").attributes
    assert told == {"name": "drift", "tests": "1", "failed": "1", "workspace_project": str(flights)}


def test_the_snapshot_may_stand_in_the_runs_metadata(workspace, flights):
    added = add_run(workspace, flights, a_run(feedback_snapshot=DIGEST))

    assert SNAPSHOT in causes(f"evidently://flights/report/{added.id}")


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (Sources(snapshot="october"), "is not a snapshot"),
        (Sources(snapshot=SNAPSHOT, current="data/none.csv"), "nothing lies there"),
        (Sources(current="../elsewhere.csv"), "lies outside"),
    ],
)
def test_what_cannot_be_recorded_is_logged_and_the_run_is_added(workspace, flights, caplog, sources, said):
    added = add_run(workspace, flights, a_run(), sources)

    assert list(workspace.list_runs(flights)) == [added.id]
    assert said in caplog.text


def test_one_bad_source_does_not_drop_the_good_ones(workspace, flights, caplog):
    sources = Sources(snapshot="sha256:5f0a...", current="data/october.csv", reference="data/none.csv")

    added = add_run(workspace, flights, a_run(), sources)

    assert set(causes(f"evidently://flights/report/{added.id}")) == {f"evidently://flights/evaluation/{added.id}"}
    assert set(causes(f"evidently://flights/evaluation/{added.id}")) == {OCTOBER}
    assert "snapshot is left out: " in caplog.text
    assert "reference is left out: " in caplog.text


def test_a_uri_that_is_none_leaves_the_other_sources(workspace, flights, caplog):
    added = add_run(workspace, flights, a_run(), Sources(current="data/october.csv", reference="s3 ://lake/x"))

    assert set(causes(f"evidently://flights/evaluation/{added.id}")) == {OCTOBER}
    assert "reference is left out: " in caplog.text


def test_a_snapshot_that_the_feedback_store_does_not_know_is_linked_and_logged(workspace, flights, project, caplog):
    (project / "config").mkdir()
    shutil.copy(CONFIG / "feedback.yaml", project / "config")
    now = AS_OF.replace(tzinfo=UTC)
    known = platform_here().feedback.snapshot("ground_truth", now - timedelta(days=31), now, now)

    add_run(workspace, flights, a_run(), Sources(snapshot=known.digest))
    assert "knows no snapshot" not in caplog.text

    added = add_run(workspace, flights, a_run(), Sources(snapshot=DIGEST))
    assert f"The feedback store knows no snapshot {DIGEST}" in caplog.text
    assert not causes(f"evidently://flights/report/{added.id}")[SNAPSHOT].proven


def test_a_store_that_is_not_there_is_logged_and_the_run_is_added(workspace, flights, monkeypatch, caplog):
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "sqlite:////proc/none/handrail.db")

    added = add_run(workspace, flights, a_run())

    assert list(workspace.list_runs(flights)) == [added.id]
    assert "handrail lineage collect evidently records" in caplog.text


def test_evidentlys_own_errors_are_raised(workspace, flights, project):
    (project / "evidently" / str(flights) / "snapshots").write_text("in the way")

    with pytest.raises(OSError, match="snapshots"):
        add_run(workspace, flights, a_run())


def test_reports_that_nobody_linked_are_collected_and_the_doctor_names_them(workspace, flights, handrail, project):
    alone = workspace.add_run(flights, a_run())
    linked = workspace.add_run(flights, a_run(feedback_snapshot=DIGEST))

    code, out, _ = handrail("collect", "evidently", "evidently", "--json")

    report = f"evidently://flights/report/{alone.id}"
    assert (code, json.loads(out)["linked"], json.loads(out)["left_out"]) == (0, 1, [])
    assert set(json.loads(out)["reports"]) == {report, f"evidently://flights/report/{linked.id}"}
    assert node(report).digest == digest_of(workspace, flights, alone.id)
    platform = open_platform()
    flaws = open_doctor(platform.store, platform.feedback).check(project)
    assert [flaw.subject for flaw in flaws if flaw.kind == "report-without-snapshot"] == [report]


def test_what_was_added_with_its_sources_keeps_them_when_it_is_collected(workspace, flights, handrail):
    added = add_run(workspace, flights, a_run(), Sources(snapshot=DIGEST))
    before = platform_here().lineage.trace(f"evidently://flights/report/{added.id}")

    handrail("collect", "evidently", "evidently")

    assert platform_here().lineage.trace(f"evidently://flights/report/{added.id}") == before
    assert platform_here().lineage.findings() == ()


def test_a_report_that_was_changed_since_is_a_finding(workspace, flights, handrail, project):
    added = add_run(workspace, flights, a_run())
    (file,) = (project / "evidently").rglob(f"{added.id}.json")
    file.write_text(file.read_text().replace("1.5", "9.5"))

    handrail("collect", "evidently", "evidently")

    assert [finding.uri for finding in platform_here().lineage.findings()] == [f"evidently://flights/report/{added.id}"]


def test_a_damaged_report_is_left_out_with_a_sentence(workspace, flights, handrail, project):
    kept, lost = (workspace.add_run(flights, a_run()) for _ in range(2))
    (file,) = (project / "evidently").rglob(f"{lost.id}.json")
    file.write_text("{")

    code, out, err = handrail("collect", "evidently", "evidently")

    assert code == 1
    assert "Reports recorded: 1;" in out
    assert f"Left out: The report {lost.id}: it cannot be read" in err.replace("\n", " ")
    assert causes(f"evidently://flights/report/{kept.id}")


def test_reports_of_a_damaged_project_and_of_a_damaged_snapshot_cost_no_other(workspace, flights, handrail, project):
    broken = workspace.create_project("broken").id
    workspace.add_run(broken, a_run())
    (project / "evidently" / str(broken) / "metadata.json").write_text("[]")
    kept = workspace.add_run(flights, a_run(feedback_snapshot=DIGEST))
    platform = open_platform()
    platform.feedback.snapshots()
    with platform.store.write() as connection:
        row = {"digest": DIGEST, "scope": "{", "kind": "{}", "predictions": 1, "events": 1}
        connection.execute(snapshot.insert().values(row | dict.fromkeys(MARKS, 1)))

    code, out, err = handrail("collect", "evidently", "evidently", "--json")

    found = json.loads(out)
    assert (code, found["reports"]) == (1, [f"evidently://flights/report/{kept.id}"])
    assert len(found["left_out"]) == 1
    assert "manifest is damaged" in found["incomplete"][0]
    assert "Traceback" not in err


def test_a_workspace_that_is_not_there_is_one_sentence_and_is_not_made(handrail, project):
    code, _, err = handrail("collect", "evidently", "nowhere")

    assert (code, err.count("\n")) == (1, 1)
    assert "it does not exist" in err
    assert not (project / "nowhere").exists()
