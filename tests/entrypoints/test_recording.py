"""Lineage written from inside another tool does not get in that tool's way."""

import logging
import os

from handrail.entrypoints.recording import platform_here, record
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
    assert "'no uri' is no URI" in caplog.text


def test_settings_that_cannot_be_read_are_logged_and_the_tool_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_PORTS__MLFLOW", "no number")

    assert not record("the run 7", lambda lineage: lineage.findings())
    assert "ports.mlflow" in caplog.text


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
