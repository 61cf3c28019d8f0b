"""`handrail feedback retain`: texts go once they were kept as long as config/feedback.yaml says, and never before."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import build
from handrail.errors import Misconfigured
from handrail.feedback import Review
from handrail.settings import load_settings

NOW = datetime.now(UTC)
KINDS = """version: 1
privacy: {keep_at_least_days: 30}
kinds:
  review: {type: review, maturity_window_hours: 1, keep_days: 90}
  letter: {type: review, maturity_window_hours: 1}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with an old and a new review, and an old letter, which has no limit."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\n")
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    for name, value in (("PROJECT", tmp_path), ("HOME", tmp_path / "home")):
        monkeypatch.setenv(f"HANDRAIL_{name}", str(value))
    with open_platform(load_settings(tmp_path)) as platform:
        for kind, number, days in (("review", 1, 100), ("review", 2, 10), ("letter", 3, 100)):
            at = NOW - timedelta(days=days)
            text = f"{kind} {number}"
            platform.feedback.record_feedback([Review(f"p-{number}", kind, 1.0, "shop", 0, at, at, text=text)])
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(build(), ["feedback", *arguments])


def texts(project):
    with sqlite3.connect(project / "home" / "handrail.db") as connection:
        return connection.execute("select count(*) from feedback_sealed_text").fetchone()[0]


def test_without_a_yes_nothing_is_removed(project):
    counted = run("retain")

    assert (counted.exit_code, texts(project)) == (0, 3)
    assert "review: 1 texts were kept 90 days and would be removed; nothing was: say --yes." in counted.stdout


def test_what_was_kept_long_enough_goes_and_its_bytes_too(project):
    with sqlite3.connect(project / "home" / "handrail.db") as connection:
        sealed = [row[0] for row in connection.execute("select sealed from feedback_sealed_text")]
    removed = run("retain", "--yes", "--json")

    assert removed.exit_code == 0, removed.output
    (row,) = json.loads(removed.stdout)["kinds"]
    assert (row["kind"], row["texts"], row["is_removed"], texts(project)) == ("review", 1, True, 2)
    assert "(erased)" in run("reviews", "p-1").stdout
    assert "review 2" in run("reviews", "p-2").stdout
    assert "letter 3" in run("reviews", "p-3").stdout
    files = b"".join(file.read_bytes() for file in (project / "home").glob("handrail.db*"))
    assert sum(each in files for each in sealed) == 2


def test_a_project_without_limits_keeps_everything(project):
    (project / "config" / "feedback.yaml").write_text(KINDS.replace(", keep_days: 90", ""))

    assert "everything is kept" in run("retain", "--yes").stdout
    assert texts(project) == 3


@pytest.mark.parametrize(
    ("changed", "to", "problem"),
    [
        ("keep_days: 90", "keep_days: 29", "below privacy.keep_at_least_days 30"),
        ("keep_days: 90", "keep_days: 0", "keep_days"),
        ("letter: {type: review,", "letter: {type: other, keep_days: 90,", "keep_days is for reviews"),
    ],
    ids=["below-the-law", "no-time", "numbers"],
)
def test_a_limit_that_cannot_be_is_refused_and_removes_nothing(project, changed, to, problem):
    (project / "config" / "feedback.yaml").write_text(KINDS.replace(changed, to))

    refused = run("retain", "--yes")

    assert isinstance(refused.exception, Misconfigured)
    assert problem in str(refused.exception)
    assert texts(project) == 3
