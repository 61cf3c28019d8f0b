"""Lineage written from inside another tool does not get in that tool's way."""

import logging
import os

import pytest

from handrail.entrypoints.hosts.recording import PATIENCE_S, platform_here, record
from handrail.refs import ArtifactVersion


def test_what_is_written_lands_in_the_project_around_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\n")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")

    done = record("a run", lambda lineage: lineage.record_activity("x://run/1", "run", used=[_orders()]))

    assert done
    assert (tmp_path / ".handrail" / "handrail.db").is_file()
    assert platform_here().lineage.trace("x://run/1").edges[0].cause == "s3://lake/orders"


def test_what_lineage_refuses_is_logged_and_the_tool_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        done = record("the run 7", lambda lineage: lineage.record_activity("no uri", "run"))

    assert not done
    assert "Lineage does not know of the run 7." in caplog.text
    assert "'no uri' is not a URI" in caplog.text


def test_settings_that_cannot_be_read_are_logged_and_the_tool_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_PORTS__MLFLOW", "no number")

    assert not record("the run 7", lambda lineage: lineage.findings())
    assert "ports.mlflow" in caplog.text


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_store_is_said_in_a_sentence_and_the_tool_goes_on(tmp_path, monkeypatch, caplog, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.db").write_bytes(content)
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", f"sqlite:///{tmp_path / 'damaged.db'}")

    assert not record("the run 7", lambda lineage: lineage.record_activity("x://run/1", "run"))

    assert "Lineage does not know of the run 7. The store sqlite:///" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_folder_that_is_gone_and_a_mistake_of_ours_are_logged_and_the_tool_goes_on(tmp_path, monkeypatch, caplog):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert not record("the run 7", lambda lineage: lineage.findings())
    monkeypatch.chdir(tmp_path)
    assert not record("the run 8", lambda _: 1 / 0)

    assert "The current folder: it was removed." in caplog.text
    assert "Lineage does not know of the run 8." in caplog.text


def test_a_locked_store_holds_the_tool_up_for_seconds_at_most(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with platform_here().store.read() as connection:
        waits_ms = connection.exec_driver_sql("pragma busy_timeout").scalar_one()

    assert waits_ms == PATIENCE_S * 1000


def test_a_process_opens_the_store_once_and_a_fork_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = platform_here()

    child = os.fork()
    if child == 0:
        os._exit(0 if platform_here() is not here else 1)
    _, status = os.waitpid(child, 0)

    assert platform_here() is here
    assert os.waitstatus_to_exitcode(status) == 0


def _orders() -> ArtifactVersion:
    return ArtifactVersion("s3://lake/orders", "dataset", "sha256:" + "0" * 64)
